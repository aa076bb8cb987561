"""Django's backend for PostgreSQL, with an end to waiting for a database that does not answer (`base.py`)."""
