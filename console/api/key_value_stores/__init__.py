"""Key-value stores, their keys and records by the API."""
