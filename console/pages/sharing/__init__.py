"""The share dialog, what is shared with the user, and requests for access."""
