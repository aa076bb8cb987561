"""Issues of Actors, and the runs that they share."""
