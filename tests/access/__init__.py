"""The decision: worlds with answers, laws, and every URL."""
