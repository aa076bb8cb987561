"""Dockerfiles of Actors, read for how the Actor is started. Nothing of them is executed, and no image is used."""
