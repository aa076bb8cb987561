"""The forwarder that runs resolve names by: what it is asked, it asks the name servers of the machine.

It answers on port 53 of one address inside, by UDP and TCP, and sends to nothing but the name servers of resolv.conf,
which is read anew for each question: a machine may move to another network while a run goes on.
"""

import selectors
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from resources.sandbox.network import relay

PORT = 53
_MAX_SERVERS = 3
_MAX_WAITING = 512
_SERVER_SECONDS = 2.0  # until the next name server is asked
_MAX_BYTES = 1 << 16


def servers(resolv_conf: Path) -> list[str]:
    """Return the name servers that a resolv.conf names; the machine itself where it names none, as resolvers do."""
    try:
        lines = resolv_conf.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    found = [words[1] for words in map(str.split, lines) if len(words) > 1 and words[0] == "nameserver"]
    return found[:_MAX_SERVERS] or ["127.0.0.1"]


def serve_udp(listening: socket.socket, resolv_conf: Path) -> None:
    """Answer questions in a thread, for as long as the process lives."""
    listening.setblocking(False)
    threading.Thread(target=_Forwarder(listening, resolv_conf).work, daemon=True).start()


def connected(resolv_conf: Path) -> socket.socket:
    """Return a connection to the first name server that accepts one.

    Raises:
        OSError: when none does.
    """
    problem: OSError = OSError("There is no name server.")
    for server in servers(resolv_conf):
        try:
            return relay.connected(server, PORT)
        except OSError as error:
            problem = error
    raise problem


@dataclass(slots=True, eq=False)
class _Question:
    """What was asked, by whom inside, and who is asked."""

    text: bytes
    asker: tuple[str, int]
    servers: list[str]
    asked: list[socket.socket] = field(default_factory=list)
    next_at: float = 0.0


class _Forwarder:
    def __init__(self, listening: socket.socket, resolv_conf: Path) -> None:
        self._listening = listening
        self._resolv_conf = resolv_conf
        self._selector = selectors.DefaultSelector()
        self._selector.register(listening, selectors.EVENT_READ)
        self._waiting: list[_Question] = []

    def work(self) -> None:
        """Take questions and answers."""
        while True:
            now = time.monotonic()
            first = min((question.next_at for question in self._waiting), default=None)
            for key, _ in self._selector.select(None if first is None else max(0.0, first - now)):
                if key.fileobj is self._listening:
                    self._take_question()
                else:
                    self._take_answer(key.data, key.fileobj)  # type: ignore[arg-type]  # a socket
            now = time.monotonic()
            for question in [each for each in self._waiting if each.next_at <= now]:
                self._ask_next(question)

    def _take_question(self) -> None:
        try:
            text, asker = self._listening.recvfrom(_MAX_BYTES)
        except OSError:
            return
        question = _Question(text, asker, servers(self._resolv_conf))
        self._waiting.append(question)
        if len(self._waiting) > _MAX_WAITING:
            self._forget(self._waiting[0])
        self._ask_next(question)

    def _ask_next(self, question: _Question) -> None:
        """Ask the next name server, or give up after the last; earlier ones may answer still."""
        question.next_at = time.monotonic() + _SERVER_SECONDS
        while question.servers:
            server = question.servers.pop(0)
            try:
                family, kind, protocol, _, address = socket.getaddrinfo(
                    server, PORT, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
                )[0]
                asking = socket.socket(family, kind, protocol)
            except OSError:
                continue
            question.asked.append(asking)
            try:
                asking.setblocking(False)
                asking.connect(address)
                asking.send(question.text)
            except OSError:
                continue
            self._selector.register(asking, selectors.EVENT_READ, question)
            return
        self._forget(question)

    def _take_answer(self, question: _Question, asked: socket.socket) -> None:
        if question not in self._waiting:
            return
        try:
            answer = asked.recv(_MAX_BYTES)
        except OSError:  # nothing listens there
            self._selector.unregister(asked)
            question.next_at = 0.0
            return
        if answer[:2] != question.text[:2]:
            return
        with suppress(OSError):
            self._listening.sendto(answer, question.asker)
        self._forget(question)

    def _forget(self, question: _Question) -> None:
        self._waiting.remove(question)
        for asked in question.asked:
            if asked.fileno() in self._selector.get_map():
                self._selector.unregister(asked)
            asked.close()
