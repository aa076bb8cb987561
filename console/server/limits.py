"""How slow clients may be, and how many connections one address may have."""

import os

# From the first byte of a request to the end of its headers; and beside what its body takes at the lowest rate.
HEADER_SECONDS = float(os.environ.get("WEB_HEADER_SECS", "10"))
# How many bytes a second a client has to send of a larger body, or to read of an answer.
LOWEST_RATE = int(os.environ.get("WEB_LOWEST_RATE", "500"))
# How many connections of each process one address may have, unless it is that of a trusted proxy.
CONNECTIONS_OF_ONE = int(os.environ.get("WEB_CONNECTIONS_OF_ONE", "1000"))
