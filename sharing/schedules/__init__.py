"""Schedules that fire, and their logs, each with the access of their owner or reader."""
