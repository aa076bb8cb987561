"""The network of a run or build: a namespace of its own, from which it reaches public addresses and what is allowed."""
