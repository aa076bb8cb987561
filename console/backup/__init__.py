"""Backups: made while the server runs, restored into a new place, and the data of a place checked.

A backup is a directory that only its owner can read:

- `backup.json`: what is in it (`manifest.py`); it is written last, so a directory without it is no backup.
- `database.sqlite3`, or `database.dump` in the custom format of `pg_dump`.
- `records.txt`: a line for each record that the copy of the database names: its size in bytes and its file.
- `records/`: the files of the records, unless they are in an S3 bucket.
- `secret-key` and `secret-key-fallbacks`, where the server keeps them in DATA_DIR.
"""
