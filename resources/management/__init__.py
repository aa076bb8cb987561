"""Management commands of resources."""
