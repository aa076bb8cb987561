"""The network of one program of a run or build, as the worker has it: started before the program, ended after it."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address, ip_network
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from django.conf import settings

from resources.sandbox.network import allowed, program, subprograms, user_mode
from resources.sandbox.network.allowed import Entry
from resources.sandbox.network.program import Wanted
from resources.sandbox.network.proxy import ProxyPlan

_SECONDS = 30
_AGAIN_SECONDS = 60
_ANSWER_BYTES = 1 << 16
_DEFAULT_PORTS = {"http": 80, "https": 443}
RESOLV_CONF = Path("/etc/resolv.conf")
# Addresses inside that stand for what is reached by the relay: a name server, and hosts by name, one each.
_RESOLVER = "127.76.0.53"
_FIRST_ALIAS = IPv4Address("127.77.0.1")
# Counted for each connection that is refused, inside or by the other end, and for what is answered as unreachable.
_FAILURES = ("Tcp:AttemptFails", "Icmp:InDestUnreachs", "Ip6OutNoRoutes", "Icmp6InDestUnreachs")
_LOCALHOST = ("127.0.0.1", "::1")


Relays = Mapping[tuple[str, int], tuple[str, int]]


class NetworkFailed(Exception):
    """The network of a run or build cannot be set up; the message says why."""


class RunNetwork:
    """A network that has been set up. `namespaces` are descriptors of its user and network namespace.

    `files` are what the program sees in /etc instead of the machine's own, by name.
    """

    def __init__(
        self,
        user_mode_network: tuple[str, str] | None,
        relays: Relays = MappingProxyType({}),
        proxy: ProxyPlan | None = None,
    ) -> None:
        """Set it up, with the user-mode network of that name and path; with None, only the relay is reached.

        `relays` are addresses and ports inside, each with the host and port outside that it leads to, besides the API,
        and `proxy` is the plan of the proxy that is there inside.

        Raises:
            NetworkFailed: when that is not possible.
        """
        plan = _Plan(is_open=user_mode_network is not None, relays=relays)
        self.files = {"hosts": plan.hosts(), "resolv.conf": _resolv_conf()}
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._complaints = os.memfd_create("latchkey")
        try:
            with theirs:
                wanted = plan.wanted(user_mode_network, proxy)
                kept = (proxy.used,) if proxy else ()
                self._process = _start(wanted, self._complaints, theirs.fileno(), *kept)
            self.namespaces, self._counters = self._answer()
        except BaseException:
            self._socket.close()
            os.close(self._complaints)
            raise

    def has_failed(self) -> bool:
        """Tell whether it has broken down by itself."""
        return self._process.poll() is not None

    def failed_connections(self) -> int:
        """Return how many connections were tried from inside and came to nothing."""
        plain, of_ipv6, _ = self._counters
        counted = _counted(*(os.pread(each, _ANSWER_BYTES, 0).decode() for each in (plain, of_ipv6)))
        return sum(counted.get(name, 0) for name in _FAILURES)

    def transferred_bytes(self) -> tuple[int, int]:
        """Return how many bytes were received from and sent to other hosts; what goes over loopback is not counted."""
        return _transferred(os.pread(self._counters[2], _ANSWER_BYTES, 0).decode())

    def close(self) -> None:
        """End it. Safe to call again."""
        if self._socket.fileno() < 0:
            return
        self._socket.close()
        for each in (*self.namespaces, *self._counters, self._complaints):
            os.close(each)
        try:
            self._process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answer(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Wait until it is ready."""
        self._socket.settimeout(_SECONDS)
        try:
            answer, descriptors, _, _ = socket.recv_fds(self._socket, _ANSWER_BYTES, 8)
        except TimeoutError:
            answer, descriptors = b'{"problem": "it does not get ready."}', []
        if answer == b"{}" and len(descriptors) == 5:
            return tuple(descriptors[:2]), tuple(descriptors[2:])
        self._process.kill()
        self._process.wait()
        problem = json.loads(answer)["problem"] if answer else "it ended."
        raise NetworkFailed(" ".join(filter(None, (problem, self._complaint()))))

    def _complaint(self) -> str:
        """Return the last that the user-mode network has complained of."""
        lines = os.pread(self._complaints, _ANSWER_BYTES, 0).decode(errors="replace").splitlines()
        said = [line.strip() for line in lines if line.strip() and not line.startswith("Failed to send")]
        return said[-1][:300] if said else ""


class _Plan:
    """What the setting and PUBLIC_URL come to: which networks are let through, what is passed on, and which names."""

    def __init__(self, *, is_open: bool, relays: Relays) -> None:
        self.is_open = is_open
        self._aliases: dict[str, str] = {}
        self._names: list[tuple[str, str]] = []
        self._relays = dict(relays)
        self._named: list[tuple[str, int | None]] = []
        self._networks: list[tuple[str, int | None]] = []
        public = urlsplit(settings.PUBLIC_URL)
        self._public_host = public.hostname or "localhost"
        self._pass_on(self._public_host, public.port or _DEFAULT_PORTS.get(public.scheme, 80))
        for entry in allowed.parse_all(settings.RUN_NETWORK_ALLOW):
            self._allow(entry)

    def wanted(self, user_mode_network: tuple[str, str] | None, proxy: ProxyPlan | None = None) -> Wanted:
        """Return what the program is told."""
        return Wanted(
            parent=os.getpid(),
            program=user_mode_network,
            named=self._named,
            networks=self._networks,
            relays=[(*inside, *outside) for inside, outside in self._relays.items()],
            resolver=_RESOLVER if self.is_open else "",
            resolv_conf=str(RESOLV_CONF),
            proxy=asdict(proxy) if proxy else None,
            hosts={**dict(self._names), **self._aliases},
        )

    def hosts(self) -> bytes:
        """Return the file of the names that lead somewhere else inside than outside, or are known without asking."""
        lines = ["127.0.0.1 localhost actor", "::1 localhost ip6-localhost ip6-loopback"]
        lines += [f"{address} {name}" for name, address in self._aliases.items()]
        lines += [f"{address} {name}" for name, address in dict.fromkeys(self._names)]
        return "\n".join([*lines, ""]).encode()

    def _allow(self, entry: Entry) -> None:
        host = entry.name or str(entry.network.network_address if entry.network else "")
        is_relayed = entry.is_loopback or host == self._public_host or not self.is_open
        if entry.port is not None and is_relayed and (entry.network is None or entry.network.num_addresses == 1):
            self._pass_on(host, entry.port)
        elif entry.network is not None:
            chosen = self._named if entry.network.num_addresses == 1 else self._networks
            chosen.append((str(entry.network), entry.port))
        else:
            self._allow_name(entry.name, entry.port)

    def _allow_name(self, name: str, port: int | None) -> None:
        """Let through to the addresses of a name; where one is on loopback, the port there is passed on."""
        addresses = _resolve_addresses(name)
        if port is not None and any(allowed.is_loopback(ip_network(address)) for address in addresses):
            self._pass_on(name, port)
            return
        for address in addresses:
            self._named.append((address, port))
            self._names.append((name, address))

    def _pass_on(self, host: str, port: int) -> None:
        for inside in self._inside(host):
            self._relays[inside, port] = (host, port)

    def _inside(self, host: str) -> tuple[str, ...]:
        """Return the addresses by which a host is reached inside."""
        if host == "localhost":
            return _LOCALHOST
        with suppress(ValueError):
            return (str(ip_network(host).network_address),)
        alias = str(_FIRST_ALIAS + len(self._aliases))
        return (self._aliases.setdefault(host, alias),)


def find_user_mode_network() -> tuple[str, str]:
    """Return name and path of a user-mode network that works here: each is tried, once in a while, until one does.

    Raises:
        NetworkFailed: when none is installed, or none works.
    """
    problems = []
    for name, path in user_mode.installed().items():
        problem = _find_problem(name, path)
        if not problem:
            return name, path
        problems.append(f"{name} does not work here: {problem}")
    raise NetworkFailed(" ".join(problems) or "Neither pasta (of passt) nor slirp4netns is installed.")


def check_alone() -> None:
    """Try a network that reaches nothing but the API.

    Raises:
        NetworkFailed: when it does not work here.
    """
    problem = _find_problem("", "")
    if problem:
        raise NetworkFailed(f"A network of its own does not work here: {problem}")


def _find_problem(name: str, path: str) -> str:
    """Return why a user-mode network does not work, "" where it does. What did not work is tried again later."""
    tried = _tried.get(path)
    if tried is None or (tried.problem and time.monotonic() - tried.at > _AGAIN_SECONDS):
        problem = ""
        try:
            RunNetwork((name, path) if path else None).close()
        except NetworkFailed as error:
            problem = str(error)
        tried = _tried[path] = _Tried(problem, time.monotonic())
    return tried.problem


@dataclass(frozen=True, slots=True)
class _Tried:
    problem: str
    at: float


_tried: dict[str, _Tried] = {}


def _counted(plain: str, of_ipv6: str) -> dict[str, int]:
    """Return the counters of /proc/net/snmp and of /proc/net/snmp6, by name."""
    counted: dict[str, int] = {}
    lines = [line.split() for line in plain.splitlines()]
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        counted.update({names[0] + name: int(value) for name, value in zip(names[1:], values[1:], strict=False)})
    counted.update({name: int(value) for name, value in map(str.split, of_ipv6.splitlines())})
    return counted


def _transferred(interfaces: str) -> tuple[int, int]:
    """Return the bytes that came in and went out, of what /proc/net/dev says of all interfaces but loopback."""
    received = sent = 0
    for line in interfaces.splitlines()[2:]:  # below its two lines of headings
        name, _, numbers = line.partition(":")
        if name.strip() != "lo":
            received += int(numbers.split()[0])
            sent += int(numbers.split()[8])
    return received, sent


def _start(wanted: Wanted, complaints: int, *descriptors: int) -> subprocess.Popen[bytes]:
    try:
        return subprograms.start("program", program.encode_config(wanted), complaints, *descriptors)
    except OSError as error:
        raise NetworkFailed(str(error)) from error


def _resolv_conf() -> bytes:
    """Return the file that says how names are resolved inside: by the forwarder, completed as on this machine."""
    try:
        lines = RESOLV_CONF.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    kept = [line for line in lines if line.split()[:1] in (["search"], ["domain"], ["options"])]
    return "\n".join([f"nameserver {_RESOLVER}", *kept, ""]).encode()


def _resolve_addresses(name: str) -> list[str]:
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(answer[4][0]).partition("%")[0] for answer in answers))
