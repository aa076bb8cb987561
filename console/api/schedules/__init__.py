"""Schedules by the API."""
