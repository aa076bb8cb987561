"""Pages for signing in and up, and for what follows from it."""
