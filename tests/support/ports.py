"""Ports for servers that cannot be given a socket."""

import random
import socket

# Below what Linux gives to sockets that name no port (ip_local_port_range begins at 32768), so that between the
# choice and the server's start no connection of another process takes it.
_CHOICE = range(15000, 32000)


def free_port() -> int:
    """Return a TCP port on which nothing listens on any address."""
    for port in random.sample(_CHOICE, len(_CHOICE)):
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")
