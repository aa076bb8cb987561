"""The end of an answer whose access has gone. It is apart so that the server can know it before Django is loaded."""

import errno


class AccessGone(BrokenPipeError):
    """The access to what is being sent has gone. The server closes the connection without the end of the answer."""

    def __init__(self) -> None:
        super().__init__(errno.EPIPE, "The access to this has gone.")
