"""The logs of builds and runs: written line by line while a job is at work, read while it is still being written."""
