"""Management of who may do what."""
