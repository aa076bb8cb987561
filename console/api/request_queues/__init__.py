"""Request queues, their requests and heads by the API."""
