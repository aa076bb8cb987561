"""The server's administrator, and what the administrator does with accounts."""
