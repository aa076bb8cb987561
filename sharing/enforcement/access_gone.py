"""Raised when access is revoked during a response. In its own module so that gunicorn can import it before Django."""

import errno


class AccessGone(BrokenPipeError):
    """The access to what is being sent has gone. The server closes the connection without the end of the answer."""

    def __init__(self) -> None:
        super().__init__(errno.EPIPE, "The access to this has gone.")
