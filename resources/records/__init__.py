"""The content of key-value stores: writing, reading and deleting records, and the files that hold their bytes."""
