"""Jobs, which are runs and builds: their status, and the queue that workers take them from."""
