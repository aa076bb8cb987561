"""Actors: what is known of one, its versions with their sources, and its environment variables."""
