"""`serve` and `load_demo`."""
