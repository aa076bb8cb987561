"""Runs and their logs by the API."""
