"""API tokens by the API."""
