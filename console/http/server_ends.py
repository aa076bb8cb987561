"""What breaks off the reading of a body when the server ends. It needs no Django."""


class ServerEnds(OSError):
    """The server is about to end, and the rest of a body has not come in time."""
