"""Pages of Actors, and the Store."""
