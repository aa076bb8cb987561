"""Datasets and their items by the API."""
