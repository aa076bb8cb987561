"""The demo: four people, real data, and shares of each sort, so that every page has something on it."""
