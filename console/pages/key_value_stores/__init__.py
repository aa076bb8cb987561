"""Pages of key-value stores and their records."""
