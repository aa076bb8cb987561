"""Pages of request queues."""
