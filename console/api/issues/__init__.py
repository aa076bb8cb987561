"""Issues of Actors by the API."""
