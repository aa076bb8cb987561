"""Tasks by the API."""
