"""Webhooks and their dispatches by the API."""
