"""What Linux is told and asked about network interfaces, addresses and routes: rtnetlink, as far as it is needed here.

It takes the place of the program `ip`, which is not installed everywhere. Only the standard library is imported,
because a program that is started for each run uses it (`resources/sandbox/network/program.py`).
"""

import errno
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNICAST, LOCAL, UNREACHABLE = 1, 2, 7
NEW_LINKS = 1  # a group to listen to: interfaces that appear or change
NEW_ROUTES = 0x40 | 0x400  # of IPv4 and IPv6
MAIN_TABLE = 254
_LOCAL_TABLE = 255

_NEWLINK, _SETLINK, _NEWADDR, _NEWROUTE, _GETROUTE, _NEWNEIGH, _NEWRULE = 16, 19, 20, 24, 26, 28, 32
_ERROR, _DONE = 2, 3
_REQUEST, _ACK, _DUMP, _CREATE, _EXCL = 1, 4, 0x300, 0x400, 0x200
_UP = 1
_PERMANENT = 0x80
_NO_DAD = 2
_ON_LINK = 4
_STATIC_PROTOCOL, _LINK_SCOPE, _HOST_SCOPE = 4, 253, 254
_RECEIVE_BYTES = 1 << 16
_SOL_NETLINK, _STRICT_CHECK = 270, 12


class NetlinkError(OSError):
    """The kernel refuses what it was told."""


def _attribute(kind: int, content: bytes) -> bytes:
    size = 4 + len(content)
    return struct.pack("HH", size, kind) + content + b"\0" * (-size % 4)


def _text(text: str) -> bytes:
    return text.encode() + b"\0"


def _number(number: int) -> bytes:
    return struct.pack("I", number)


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def _family(address: Address | Network) -> int:
    return socket.AF_INET if address.version == 4 else socket.AF_INET6


def _attributes(content: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at + 4 <= len(content):
        size, kind = struct.unpack_from("HH", content, at)
        if size < 4:
            break
        found[kind & 0x3FFF] = content[at + 4 : at + size]
        at += size + (-size % 4)
    return found


class Netlink:
    """A socket to the kernel, about the network namespace that the process is in when this is made."""

    def __init__(self, groups: int = 0) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.bind((0, groups))
        self._number = 0

    def fileno(self) -> int:
        """Return the descriptor, so that it can be waited for."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def receive(self, seconds: float | None) -> Iterator[tuple[int, bytes]]:
        """Yield the messages of the next packet, each its type and content.

        Raises:
            TimeoutError: when none comes within so many seconds.
        """
        self._socket.settimeout(seconds)
        packet = self._socket.recv(_RECEIVE_BYTES)
        at = 0
        while at + 16 <= len(packet):
            size, kind = struct.unpack_from("IH", packet, at)
            if size < 16:
                return
            yield kind, packet[at + 16 : at + size]
            at += size + (-size % 4)

    def link_names(self, seconds: float | None) -> Iterator[tuple[int, str]]:
        """Yield index and name of the interfaces that the next packet is about, for those that listen to NEW_LINKS."""
        for kind, content in self.receive(seconds):
            if kind == _NEWLINK:
                (index,) = struct.unpack_from("i", content, 4)
                yield index, _attributes(content[16:]).get(3, b"").rstrip(b"\0").decode()

    def changed_local_routes(self) -> Iterator[bool]:
        """Yield for each message of the next packet whether an address of this machine has come or gone.

        For those that listen to NEW_ROUTES.

        Raises:
            OSError: with ENOBUFS when there were more than could be kept.
        """
        for _, content in self.receive(None):
            yield len(content) > 4 and content[4] == _LOCAL_TABLE

    def set_up(self, index: int, mtu: int | None = None) -> None:
        """Let an interface be used."""
        body = struct.pack("BBHiII", 0, 0, 0, index, _UP, _UP)
        self._tell(_SETLINK, 0, body + (_attribute(4, _number(mtu)) if mtu else b""))

    def add_pair(self, ours: tuple[str, str], theirs: tuple[str, str], namespace: int, mtu: int) -> None:
        """Make two interfaces that are joined, each of a name and a MAC; the other one in a namespace, a descriptor."""
        empty = struct.pack("BBHiII", 0, 0, 0, 0, 0, 0)
        size = _attribute(4, _number(mtu))
        peer = empty + _attribute(3, _text(theirs[0])) + _attribute(1, _mac(theirs[1])) + size
        peer += _attribute(28, _number(namespace))
        info = _attribute(1, _text("veth")) + _attribute(2, _attribute(1, peer))
        message = empty + _attribute(3, _text(ours[0])) + _attribute(1, _mac(ours[1])) + size + _attribute(18, info)
        self._tell(_NEWLINK, _CREATE | _EXCL, message)

    def add_address(self, index: int, address: Address) -> None:
        """Give an interface an address, and no network with it."""
        scope = _HOST_SCOPE if address.is_loopback else 0
        body = struct.pack("BBBBi", _family(address), address.max_prefixlen, _NO_DAD, scope, index)
        self._tell(_NEWADDR, _CREATE, body + _attribute(1, address.packed) + _attribute(2, address.packed))

    def add_route(
        self, network: Network, *, kind: int = UNICAST, table: int = MAIN_TABLE, to: int = 0, by: Address | None = None
    ) -> None:
        """Have what is sent to a network leave by the interface `to`, by way of a neighbour, or refuse it by `kind`."""
        scope = 0 if by or network.version == 6 or kind != UNICAST else _LINK_SCOPE
        flags = _ON_LINK if by else 0
        length, family = network.prefixlen, _family(network)
        message = struct.pack("BBBBBBBBI", family, length, 0, 0, table, _STATIC_PROTOCOL, scope, kind, flags)
        message += _attribute(1, network.network_address.packed) if length else b""
        message += _attribute(4, _number(to)) if to else b""
        message += _attribute(5, by.packed) if by else b""
        self._tell(_NEWROUTE, _CREATE, message)

    def add_rule(self, priority: int, table: int, network: Network, port: int | None = None) -> None:
        """Have the routes of a table decide of what is sent to a network, or only to a port of TCP there."""
        length = network.prefixlen
        message = struct.pack("BBBBBBBBI", _family(network), length, 0, 0, table, 0, 0, 1, 0)
        message += _attribute(1, network.network_address.packed) if length else b""
        message += _attribute(6, _number(priority))
        if port is not None:
            message += _attribute(22, bytes([socket.IPPROTO_TCP])) + _attribute(24, struct.pack("HH", port, port))
        self._tell(_NEWRULE, _CREATE | _EXCL, message)

    def add_neighbour(self, index: int, address: Address, mac: str) -> None:
        """Say which MAC an address has, so that no neighbor needs to be asked."""
        body = struct.pack("BBHiHBB", _family(address), 0, 0, index, _PERMANENT, 0, 0)
        self._tell(_NEWNEIGH, _CREATE, body + _attribute(1, address.packed) + _attribute(2, _mac(mac)))

    def reaches(self, address: Address) -> bool:
        """Tell whether there is a route to an address. Nothing is sent."""
        body = struct.pack("BBBBBBBBI", _family(address), address.max_prefixlen, 0, 0, 0, 0, 0, 0, 0)
        try:
            answers = self._ask(_GETROUTE, 0, body + _attribute(1, address.packed))
        except NetlinkError:
            return False
        return any(answer[7] == UNICAST for answer in answers)

    def local_networks(self) -> set[Network]:
        """Return all that leads to this machine itself: addresses of its interfaces, anycast and broadcast ones too."""
        self._socket.setsockopt(_SOL_NETLINK, _STRICT_CHECK, 1)
        found = set()
        for version, family, bits in ((4, socket.AF_INET, 32), (6, socket.AF_INET6, 128)):
            body = struct.pack("BBBBBBBBI", family, 0, 0, 0, _LOCAL_TABLE, 0, 0, 0, 0)
            for answer in self._dump(_GETROUTE, body):
                length, table = answer[1], answer[4]
                content = _attributes(answer[12:])
                if table != _LOCAL_TABLE or 1 not in content:
                    continue
                host = ip_address(content[1])
                if host.version == version and length <= bits:
                    found.add(ip_network((host, length), strict=False))
        return found

    def _dump(self, kind: int, content: bytes) -> list[bytes]:
        try:
            return self._ask(kind, _DUMP, content)
        except NetlinkError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EAFNOSUPPORT):  # a kernel without IPv6
                return []
            raise

    def _tell(self, kind: int, flags: int, content: bytes) -> None:
        self._ask(kind, flags | _ACK, content)

    def _ask(self, kind: int, flags: int, content: bytes) -> list[bytes]:
        """Send a request and return the answers to it.

        Raises:
            NetlinkError: when the kernel refuses it.
        """
        self._number += 1
        header = struct.pack("IHHII", 16 + len(content), kind, flags | _REQUEST, self._number, 0)
        self._socket.settimeout(10)
        self._socket.send(header + content)
        answers: list[bytes] = []
        while True:
            for answer, body in self.receive(10):
                if answer == _ERROR:
                    (number,) = struct.unpack_from("i", body)
                    if number:
                        raise NetlinkError(-number, f"the kernel refuses request {kind}")
                    return answers
                if answer == _DONE:
                    return answers
                answers.append(body)
            if not flags & (_ACK | _DUMP):
                return answers
