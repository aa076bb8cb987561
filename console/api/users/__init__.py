"""Users, their usage and limits by the API."""
