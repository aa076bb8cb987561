"""Commands of `manage.py` that belong to the server as a whole."""
