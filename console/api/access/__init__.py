"""Access rights by the API."""
