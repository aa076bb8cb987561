"""Builds: asked for, chosen for a run, and brought to an end."""
