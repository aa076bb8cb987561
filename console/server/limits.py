"""How slow clients may be, and how many connections one address may have."""

import os
from math import inf

# From the first byte of a request to the end of its headers; and beside what its body takes at the lowest rate.
HEADER_SECONDS = float(os.environ.get("WEB_HEADER_SECS", "10"))
# How many bytes a second a client has to send of a larger body, or to read of an answer.
LOWEST_RATE = int(os.environ.get("WEB_LOWEST_RATE", "500"))
# How many of a body that has a thread, while others wait for one.
RATE_WHERE_OTHERS_WAIT = 64 * LOWEST_RATE
# How many connections of each process one address may have, unless it is that of a trusted proxy.
CONNECTIONS_OF_ONE = int(os.environ.get("WEB_CONNECTIONS_OF_ONE", "1000"))
# How long a process that ends gives its clients to send and read what has begun.
GRACE_SECONDS = int(os.environ.get("WEB_GRACE_SECS", "15"))


class Ending:
    """When this process breaks off what has begun, by the monotonic clock: never, until it is told to end."""

    at = inf

    def begin(self, now: float) -> None:
        """Break off some time before gunicorn kills the process, so that clients get an answer."""
        self.at = now + GRACE_SECONDS - min(4.0, GRACE_SECONDS / 3)


ENDING = Ending()
