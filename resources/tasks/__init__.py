"""Tasks: an Actor with options and an input that have been saved."""
