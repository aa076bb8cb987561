"""Checking items by schemas in processes of their own."""
