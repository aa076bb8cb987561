"""The first page, and the notices on it."""
