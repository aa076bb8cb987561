"""Pre-signed URLs: made, registered, limited and checked, and the keys that sign them (`sharing/signatures.py`)."""
