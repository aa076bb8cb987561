"""The network namespaces of a run or build, and what may leave them.

There are two, in a user namespace of their own. The run is in the inner one, and all that it sends goes by a pair of
interfaces to the outer one, whose routes decide what goes on to the user-mode network. The run has no way into the
outer one and no capability over either. Routes in the namespace of the run itself would not do: a socket that is bound
to an interface (SO_BINDTODEVICE needs no capability) is sent from there even if the routes refuse it.

The functions here run in a process of one thread that has been forked for this, see `program.py`.
"""

import ctypes
import os
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path

from resources.netlink import MAIN_TABLE, NEW_LINKS, UNREACHABLE, Address, Netlink, Network
from resources.public_addresses import NOT_PUBLIC, PUBLIC_6, with_forms
from resources.sandbox.network import announcements, user_mode

_NEWUSER, _NEWNET = 0x10000000, 0x40000000
_LOOPBACK_INDEX, _LOOPBACK_6 = 1, IPv6Address("::1")
_OUTER, _INNER = ("run", "02:00:00:00:00:01"), ("eth0", "02:00:00:00:00:02")
_GATEWAY_MAC = "02:00:00:00:00:03"
# Of the outer namespace's end of the pair.
_NEXT_4, _NEXT_6 = ip_address("198.18.53.1"), ip_address("fd00::1")
_OUT_TABLE, _OWN_TABLE = 100, 101
_NAMED_PRIORITY, _OWN_PRIORITY, _NETWORKS_PRIORITY = 40, 50, 60
_TAP_SECONDS = 10
_NO_ADDRESSES = 1  # IN6_ADDR_GEN_MODE_NONE
_EVERYTHING_4, _EVERYTHING_6 = IPv4Network("0.0.0.0/0"), IPv6Network("::/0")


@dataclass(frozen=True, slots=True)
class Rules:
    """What may leave: all that is public, without what is this machine's `own`, and what is allowed besides.

    `named` are single addresses, which may be the machine's own; `networks` are others. Each with a port, None for all.
    """

    ipv4: bool
    ipv6: bool
    own: Sequence[Network] = ()
    named: Sequence[tuple[Network, int | None]] = ()
    networks: Sequence[tuple[Network, int | None]] = ()

    def has(self, network: Network) -> bool:
        """Tell whether there is a network of this version at all."""
        return self.ipv4 if network.version == 4 else self.ipv6


@dataclass(slots=True)
class Namespaces:
    """The two namespaces, entered by this process one after the other; it ends up in the outer one."""

    rules: Rules
    listening: dict[int, socket.socket] = field(default_factory=dict)
    _outer: Netlink = field(init=False)
    _inner: Netlink = field(init=False)
    _appearing: Netlink = field(init=False)

    def make(self, wanted: Sequence[tuple[str, int, bool]]) -> tuple[int, int, int, int, int]:
        """Make both, listen in the inner one at each address and port that is wanted, by UDP where that is True.

        Returns:
            Descriptors of the user namespace, of the inner network namespace, and of its three files of counters.
        """
        uid, gid = os.geteuid(), os.getegid()
        _unshare(_NEWUSER | _NEWNET)
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            Path(f"/proc/self/{name}").write_text(text, encoding="ascii")
        self._outer, self._appearing = Netlink(), Netlink(NEW_LINKS)
        outer = os.open("/proc/self/ns/net", os.O_RDONLY)
        _unshare(_NEWNET)
        self._inner = Netlink()
        inner = os.open("/proc/self/ns/net", os.O_RDONLY)
        counters = [os.open(name, os.O_RDONLY) for name in ("/proc/self/net/snmp", _counters_6(), "/proc/self/net/dev")]
        self._listen(wanted)
        if self.rules.ipv4 or self.rules.ipv6:
            _add_no_addresses()
            self._outer.add_pair(_OUTER, _INNER, inner, user_mode.MTU)
            self._lead_out()
        _enter(outer)
        if self.rules.ipv4 or self.rules.ipv6:
            self._forward()
        return os.open("/proc/self/ns/user", os.O_RDONLY), inner, counters[0], counters[1], counters[2]

    def connect(self) -> None:
        """Wait until the user-mode network has made its interface, and let it be used.

        Raises:
            TimeoutError: when it makes none.
        """
        index = self._index_of_tap()
        self._outer.set_up(index, user_mode.MTU)
        if self.rules.ipv4:
            self._outer.add_neighbour(index, user_mode.GATEWAY_4, _GATEWAY_MAC)
            for table in (MAIN_TABLE, _OUT_TABLE):
                self._outer.add_route(_EVERYTHING_4, to=index, by=user_mode.GATEWAY_4, table=table)
        if self.rules.ipv6:
            self._outer.add_neighbour(index, user_mode.GATEWAY_6, _GATEWAY_MAC)
            self._outer.add_route(_EVERYTHING_6, to=index, by=user_mode.GATEWAY_6, table=_OUT_TABLE)
            for network in PUBLIC_6:
                self._outer.add_route(network, to=index, by=user_mode.GATEWAY_6)
        # slirp4netns sends nothing to an address of which it does not know the MAC.
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sending:
            sending.bind((user_mode.INTERFACE, 0))
            mac = sending.getsockname()[4]
            for frame in (announcements.by_arp(mac, user_mode.GUEST_4), announcements.by_ndp(mac, user_mode.GUEST_6)):
                sending.send(frame)

    def refuse_own(self, own: Iterable[Network]) -> None:
        """Let nothing go to these addresses of the machine itself, unless they are allowed by name."""
        for network in with_forms(own):
            if self.rules.has(network):
                self._outer.add_route(network, kind=UNREACHABLE, table=_OWN_TABLE)

    def _listen(self, wanted: Sequence[tuple[str, int, bool]]) -> None:
        """Keep the sockets by their places among those that are wanted."""
        self._inner.set_up(_LOOPBACK_INDEX)
        for number, (text, port, by_udp) in enumerate(wanted):
            address = ip_address(text)
            if not address.is_loopback:
                with suppress(FileExistsError):
                    self._inner.add_address(_LOOPBACK_INDEX, address)
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            try:
                listening = socket.socket(family, socket.SOCK_DGRAM if by_udp else socket.SOCK_STREAM)
                if family == socket.AF_INET6:
                    listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                listening.bind((text, port))
            except OSError:
                if address == _LOOPBACK_6:  # a machine without IPv6
                    continue
                raise
            if not by_udp:
                listening.listen(128)
            self.listening[number] = listening

    def _lead_out(self) -> None:
        """Give the inner end of the pair its address, and lead everything to the outer end."""
        index = socket.if_nametoindex(_INNER[0])
        for _, guest, _ in self._ends():
            self._inner.add_address(index, guest)
        self._inner.set_up(index)
        allowed = {network for network, _ in (*self.rules.named, *self.rules.networks) if network.version == 6}
        for next_hop, _, everything in self._ends():
            self._inner.add_neighbour(index, next_hop, _OUTER[1])
            # Of IPv6, what cannot be public is refused here, at once: the other end's answer is heard after a second.
            for network in {everything} if everything.version == 4 else {*PUBLIC_6, *allowed}:
                self._inner.add_route(network, to=index, by=next_hop)

    def _forward(self) -> None:
        """Let the outer namespace forward what the rules allow, and answer at once for what they refuse."""
        index = socket.if_nametoindex(_OUTER[0])
        for ours, _, _ in self._ends():
            self._outer.add_address(index, ours)
        self._outer.set_up(index)
        for _, guest, _ in self._ends():
            self._outer.add_neighbour(index, guest, _INNER[1])
            for table in (MAIN_TABLE, _OUT_TABLE):
                self._outer.add_route(ip_network(guest), to=index, table=table)
        self._refuse()
        if self.rules.ipv4:
            _set("ipv4/icmp_ratelimit", 0)
            _set("ipv4/ip_forward", 1)
        if self.rules.ipv6:
            _set("ipv6/icmp/ratelimit", 0)
            _set("ipv6/conf/all/forwarding", 1)

    def _ends(self) -> list[tuple[Address, Address, Network]]:
        """Return for each version of IP the addresses of the outer and inner end of the pair, and all addresses."""
        ends: list[tuple[Address, Address, Network]] = [
            (_NEXT_4, user_mode.GUEST_4, _EVERYTHING_4),
            (_NEXT_6, user_mode.GUEST_6, _EVERYTHING_6),
        ]
        return [each for each in ends if self.rules.has(each[2])]

    def _refuse(self) -> None:
        for network in NOT_PUBLIC:
            if self.rules.has(network):
                self._outer.add_route(network, kind=UNREACHABLE)
        self.refuse_own(self.rules.own)
        for everything in (_EVERYTHING_4, _EVERYTHING_6):
            if self.rules.has(everything):
                self._outer.add_rule(_OWN_PRIORITY, _OWN_TABLE, everything)
        for priority, allowed in ((_NAMED_PRIORITY, self.rules.named), (_NETWORKS_PRIORITY, self.rules.networks)):
            for network, port in dict.fromkeys(allowed):
                if self.rules.has(network):
                    self._outer.add_rule(priority, _OUT_TABLE, network, port)

    def _index_of_tap(self) -> int:
        for index, name in socket.if_nameindex():
            if name == user_mode.INTERFACE:
                return index
        while True:
            for index, name in self._appearing.link_names(_TAP_SECONDS):
                if name == user_mode.INTERFACE:
                    return index


def enter(user: int, network: int) -> None:
    """Enter a user namespace and a network namespace, by their descriptors."""
    _enter(user)
    _enter(network)


def enter_network(network: int) -> None:
    """Have the thread that calls this be in a network namespace, by its descriptor."""
    _enter(network)


def _unshare(flags: int) -> None:
    _checked(ctypes.CDLL(None, use_errno=True).unshare(flags), "unshare")


def _enter(descriptor: int) -> None:
    _checked(ctypes.CDLL(None, use_errno=True).setns(descriptor, 0), "setns")


def _checked(answer: int, call: str) -> None:
    if answer:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def _counters_6() -> str:
    return "/proc/self/net/snmp6" if Path("/proc/self/net/snmp6").exists() else os.devnull


def _add_no_addresses() -> None:
    """Have new interfaces get no address by themselves: the kernel tries those out for a second or two.

    That would be a change of the network while a run goes on, and browsers give up the pages that they are loading.
    """
    with suppress(FileNotFoundError):  # a machine without IPv6
        _set("ipv6/conf/default/addr_gen_mode", _NO_ADDRESSES)


def _set(name: str, value: int) -> None:
    Path(f"/proc/sys/net/{name}").write_text(str(value), encoding="ascii")
