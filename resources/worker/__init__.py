"""Work that is done in the background, by workers on any number of machines."""
