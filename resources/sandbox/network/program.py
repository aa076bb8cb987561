"""Run as a program beside each run or build: makes its namespaces, keeps its user-mode network, passes on for it.

It is started by the worker (`starting.py`) and is no part of what is measured as the run's. The first argument is the
descriptor of a JSON object, see `Wanted`, the second one that of a socket to the worker. It answers there once: `{}`
with descriptors of the user namespace, the network namespace and its three files of counters, or `{"problem"}`. When
the worker closes the socket, or dies, it ends, and all that it has started with it. When it ends before, the network
has failed.
"""

import ctypes
import errno
import json
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NoReturn

from resources.netlink import NEW_ROUTES, Netlink, Network
from resources.public_addresses import own_networks
from resources.sandbox.network import inner_sockets, names, proxy, relay, user_mode
from resources.sandbox.network.inner_sockets import InnerSockets
from resources.sandbox.network.namespaces import Namespaces, Rules

_PR_SET_PDEATHSIG = 1
_MESSAGE_BYTES = 1 << 16
_MAX_DESCRIPTORS = 250
_OWN_DESCRIPTORS = 5  # those that the worker gets; what listens comes after them
_PUBLIC_4, _PUBLIC_6 = "1.1.1.1", "2600::"  # asked of the routes only; nothing is sent there


class Failed(Exception):
    """The network cannot be set up; the message says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the worker wants. Networks are texts, each with a port or None.

    `relays` are addresses and ports inside, and the host and port outside that each leads to. `resolver` is the address
    inside that names are resolved by, "" for none, and `resolv_conf` the file that says who is asked outside. `proxy`
    is the plan of the run's proxy, None for none, and `hosts` the addresses inside of names that need not be resolved.
    """

    parent: int
    program: tuple[str, str] | None
    named: list[tuple[str, int | None]]
    networks: list[tuple[str, int | None]]
    relays: list[tuple[str, int, str, int]]
    resolver: str
    resolv_conf: str
    proxy: dict[str, Any] | None
    hosts: dict[str, str]

    def listening(self) -> list[tuple[str, int, bool]]:
        """Return where to listen inside, and whether by UDP: for names first, where they are resolved."""
        resolver = [(self.resolver, names.PORT, True), (self.resolver, names.PORT, False)] if self.resolver else []
        proxy = [(self.proxy["host"], self.proxy["port"], False)] if self.proxy else []
        return resolver + [(address, port, False) for address, port, _, _ in self.relays] + proxy


def main() -> None:
    """Do all that, until the worker has no more need of it."""
    with os.fdopen(int(sys.argv[1]), "rb") as file:
        wanted = Wanted(**json.load(file))
    worker = socket.socket(fileno=int(sys.argv[2]))
    die_with(wanted.parent)
    try:
        keeper = _Keeper(wanted, worker)
    except (Failed, OSError) as error:
        with suppress(OSError):
            worker.sendall(json.dumps({"problem": str(error)}).encode())
        sys.exit(1)
    keeper.keep()


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("The parent died.")


class _Keeper:
    """The namespaces, held by a process of their own, and the user-mode network beside it."""

    def __init__(self, wanted: Wanted, worker: socket.socket) -> None:
        self._worker = worker
        self._own = own_networks()
        self._addresses = Netlink(NEW_ROUTES)
        self._network: subprocess.Popen[bytes] | None = None
        rules = _rules(wanted, self._own)
        self._holder, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        asking, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._holder_pid = os.fork()
        if self._holder_pid == 0:
            self._holder.close()
            asking.close()
            worker.close()
            _hold(theirs, asked, rules, wanted, os.getppid())
        theirs.close()
        asked.close()
        served, descriptors = self._hear()
        if rules.ipv4 or rules.ipv6:
            self._start_network(wanted.program, rules)
            self._hear()
        own, listening = descriptors[:_OWN_DESCRIPTORS], descriptors[_OWN_DESCRIPTORS:]
        sockets = dict(zip(served, (socket.socket(fileno=each) for each in listening), strict=True))
        _serve(wanted, sockets, InnerSockets(asking))
        socket.send_fds(worker, [b"{}"], own)
        for each in own:
            os.close(each)

    def keep(self) -> None:
        """Stay until the worker is done with it, or a part of it has ended."""
        waiting = select.poll()
        for each in (self._worker, self._holder, self._addresses):
            waiting.register(each, select.POLLIN)
        if self._network is not None:
            waiting.register(os.pidfd_open(self._network.pid), select.POLLIN)
        while [number for number, _ in waiting.poll()] == [self._addresses.fileno()]:
            self._refuse_new_addresses()
        self.end()

    def end(self) -> NoReturn:
        """End, with all that was started."""
        if self._network is not None:
            self._network.kill()
            self._network.wait()
        with suppress(ProcessLookupError):
            os.kill(self._holder_pid, signal.SIGKILL)
        os.waitpid(self._holder_pid, 0)
        os._exit(0)  # not by way of threads that wait for ever

    def _start_network(self, program: tuple[str, str] | None, rules: Rules) -> None:
        if program is None:
            raise Failed("There is no user-mode network.")
        # It cannot tell that this process has died, except by this pipe or by a signal that it may lose.
        reading, self._exit = os.pipe()
        command = user_mode.build_command(*program, self._holder_pid, reading, ipv4=rules.ipv4, ipv6=rules.ipv6)
        this = os.getpid()
        self._network = subprocess.Popen(  # noqa: S603  # constants and a path
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(reading,),
            preexec_fn=lambda: die_with(this),  # there are no threads yet
        )
        os.close(reading)

    def _hear(self) -> tuple[list[int], list[int]]:
        """Return what the holder sends when it has done its next part: where it listens, and descriptors."""
        waiting = select.poll()
        waiting.register(self._holder, select.POLLIN)
        if self._network is not None:
            waiting.register(pidfd := os.pidfd_open(self._network.pid), select.POLLIN)
        ready = [number for number, _ in waiting.poll()]
        if self._network is not None:
            os.close(pidfd)
            if self._holder.fileno() not in ready:
                raise Failed(f"{Path(str(self._network.args[0])).name} ended with {self._network.wait()}.")  # type: ignore[index]
        answer, descriptors, _, _ = socket.recv_fds(self._holder, _MESSAGE_BYTES, _MAX_DESCRIPTORS)
        said = json.loads(answer or b'{"problem": "The namespaces were lost."}')
        if isinstance(said, dict):
            raise Failed(said["problem"])
        return said, list(descriptors)

    def _refuse_new_addresses(self) -> None:
        """Have the machine's addresses refused that it has got since the beginning."""
        try:
            if not any(self._addresses.changed_local_routes()):
                return
        except OSError as error:
            if error.errno != errno.ENOBUFS:  # so many that some were left out
                raise
        new = own_networks() - self._own
        if new:
            self._own |= new
            self._holder.send(json.dumps([str(network) for network in new]).encode())


def _rules(wanted: Wanted, own: set[Network]) -> Rules:
    kernel = Netlink()
    named, networks = ([(ip_network(text), port) for text, port in each] for each in (wanted.named, wanted.networks))
    first = [network.network_address for network, _ in named + networks]
    there = {}
    for version, public in ((4, _PUBLIC_4), (6, _PUBLIC_6)):
        wished = [ip_network(public).network_address, *(each for each in first if each.version == version)]
        there[version] = wanted.program is not None and any(kernel.reaches(each) for each in wished)
    kernel.close()
    return Rules(ipv4=there[4], ipv6=there[6], own=list(own), named=named, networks=networks)


def _hold(keeper: socket.socket, asked: socket.socket, rules: Rules, wanted: Wanted, parent: int) -> NoReturn:
    """Be the process that is in the outer namespace, for as long as the keeper lives."""
    try:
        namespaces = Namespaces(rules)
        try:
            descriptors = namespaces.make(wanted.listening())
            die_with(parent)
            listening = [each.fileno() for each in namespaces.listening.values()]
            socket.send_fds(keeper, [json.dumps(list(namespaces.listening)).encode()], [*descriptors, *listening])
            if rules.ipv4 or rules.ipv6:
                namespaces.connect()
                keeper.send(b"[]")
        except OSError as error:
            keeper.send(json.dumps({"problem": f"Its namespaces cannot be made: {error}"}).encode())
            os._exit(1)
        for each in namespaces.listening.values():
            each.close()
        inner_sockets.start_making(asked, descriptors[1])
        while text := keeper.recv(_MESSAGE_BYTES):
            namespaces.refuse_own([ip_network(network) for network in json.loads(text)])
    finally:
        os._exit(0)


def _serve(wanted: Wanted, listening: dict[int, socket.socket], inner: InnerSockets) -> None:
    """Serve at the sockets, by their places among those that were wanted."""
    conf, first = Path(wanted.resolv_conf), 0
    if wanted.resolver:
        names.serve_udp(listening[0], conf)
        relay.serve(listening[1], partial(names.connected, conf))
        first = 2
    for number, (*inside, host, port) in enumerate(wanted.relays, first):
        if number in listening:
            is_events = tuple(inside) == relay.EVENTS_ADDRESS
            most = relay.MAX_EVENT_CONNECTIONS if is_events else relay.MAX_CONNECTIONS
            relay.serve(listening[number], partial(relay.connected, host, port), most)
    if wanted.proxy:
        plan = proxy.decode_plan(wanted.proxy)
        proxy.Proxy(plan, partial(inner.connect, wanted.hosts)).serve(listening[first + len(wanted.relays)])


def encode_config(wanted: Wanted) -> bytes:
    """Return what the program is told, for its first argument."""
    config: dict[str, Any] = {name: getattr(wanted, name) for name in Wanted.__slots__}
    return json.dumps(config).encode()
