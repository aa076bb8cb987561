"""How much resources are used: reads of each, and what an account has and has used."""
