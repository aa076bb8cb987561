"""Sockets that are in the network of a run, for a process outside of it: what they connect to, the run reaches itself.

A socket stays in the namespace that it was made in. So the process that holds the namespaces makes them, in a thread
that is in the inner one, and the process that asked connects them.
"""

import socket
import threading
from collections.abc import Mapping

from resources.sandbox.network import namespaces

_CONNECT_SECONDS = 30
_FAMILIES = {b"4": socket.AF_INET, b"6": socket.AF_INET6}


class InnerSockets:
    """Asks for sockets. Safe to use from several threads."""

    def __init__(self, asking: socket.socket) -> None:
        self._asking = asking
        self._lock = threading.Lock()

    def connect(self, hosts: Mapping[str, str], host: str, port: int) -> socket.socket:
        """Return a connection from within the run's network, to a host by its address in `hosts`, or resolved here.

        Raises:
            OSError: when there is none to be had.
        """
        problem: OSError = OSError("It has no address.")
        answers = socket.getaddrinfo(hosts.get(host, host), port, type=socket.SOCK_STREAM)
        for family, _, _, _, address in answers:
            try:
                made = self._make(b"6" if family == socket.AF_INET6 else b"4")
            except OSError as error:
                problem = error
                continue
            try:
                made.settimeout(_CONNECT_SECONDS)
                made.connect(address)
            except OSError as error:
                made.close()
                problem = error
                continue
            made.settimeout(None)
            return made
        raise problem

    def _make(self, family: bytes) -> socket.socket:
        with self._lock:
            self._asking.sendall(family)
            answer, descriptors, _, _ = socket.recv_fds(self._asking, 1, 1)
        if not descriptors:
            raise OSError("There is no such network." if answer else "The network has ended.")
        return socket.socket(fileno=descriptors[0])


def start_making(asked: socket.socket, network: int) -> None:
    """Make sockets in a network namespace, by its descriptor, in a thread, for as long as the process lives."""
    threading.Thread(target=_make_all, args=(asked, network), daemon=True).start()


def _make_all(asked: socket.socket, network: int) -> None:
    namespaces.enter_network(network)
    while family := asked.recv(1):
        try:
            with socket.socket(_FAMILIES[family], socket.SOCK_STREAM) as made:
                socket.send_fds(asked, [family], [made.fileno()])
        except OSError:
            asked.sendall(b"-")
