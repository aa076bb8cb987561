"""What can be wrong with an operation on a queue."""


class QueueGone(LookupError):
    """There is no such queue (any more)."""


class RequestNotFound(LookupError):
    """There is no such request in the queue."""


class NotLockedByClient(Exception):
    """The client does not hold the lock of this request: another one does, none does, or the request was handled."""


class WrongRequestId(ValueError):
    """The unique key of a request makes another ID than the one by which the request is called."""
