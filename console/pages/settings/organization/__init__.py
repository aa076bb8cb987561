"""Organizations: those of a person, switching between accounts, and the settings of the one that is acted for."""
