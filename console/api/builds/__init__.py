"""Builds by the API."""
