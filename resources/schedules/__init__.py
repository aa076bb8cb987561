"""Schedules: what is started at which times."""
