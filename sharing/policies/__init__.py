"""Rules beyond the decision, each in a module of its own, for the console and the API alike."""
