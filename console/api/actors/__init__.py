"""Actors and their versions by the API, and the Store."""
