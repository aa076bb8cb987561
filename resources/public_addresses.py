"""Which addresses are public: the whole internet reaches them, and they lead neither to a private network nor to here.

The rule is kept as networks, because it is asked in two ways: where webhooks go, one address at a time is looked at
(`is_public`), and where runs and builds go, the kernel is told what to refuse (`NOT_PUBLIC`).

Some addresses of IPv6 stand for one of IPv4: those of NAT64 and 6to4 are public if that one is. Those of Teredo never
are. The addresses of this machine's own interfaces are not public, even if others reach them by the internet: from
here they lead past the firewall.
"""

import sys
from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from resources.netlink import Netlink

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_PUBLIC_4 = tuple(
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # Azure's services for the machine itself
    )
)
NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
# Of IPv6, only what is in these can be public: global unicast addresses, and the translated ones of IPv4.
PUBLIC_6 = (IPv6Network("2000::/3"), NAT64)
_NOT_PUBLIC_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo (2001::/32) and benchmarks (2001:2::/48) among them
        "2001:db8::/32",
        "3fff::/20",
    )
)


def is_public(address: Address) -> bool:
    """Tell whether an address is public, seen from this machine.

    Raises:
        OSError: when the addresses of this machine cannot be found out.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if not any(address in network for network in PUBLIC_6):
            return False
    return not _is_in(address, NOT_PUBLIC) and not _is_in(address, with_forms(own_networks()))


def with_forms(networks: Iterable[Network]) -> frozenset[Network]:
    """Return networks, and those of IPv6 that stand for the ones of IPv4 among them."""
    found = set(networks)
    for network in list(found):
        if isinstance(network, IPv4Network):
            found.update(_ipv6_forms(network))
    return frozenset(found)


def own_networks() -> set[Network]:
    """Return the addresses of this machine's own interfaces, and what else leads to the machine itself. Linux only.

    Raises:
        OSError: when they cannot be found out.
    """
    if sys.platform != "linux":
        return set()
    kernel = Netlink()
    try:
        return kernel.local_networks()
    finally:
        kernel.close()


def _ipv6_forms(network: IPv4Network) -> tuple[IPv6Network, IPv6Network]:
    """Return the networks of IPv6 that stand for one of IPv4, by NAT64 and by 6to4."""
    start, length = int(network.network_address), network.prefixlen
    translated = IPv6Network((int(NAT64.network_address) | start, NAT64.prefixlen + length))
    tunnelled = IPv6Network((int(_SIX_TO_FOUR.network_address) | start << 80, _SIX_TO_FOUR.prefixlen + length))
    return translated, tunnelled


def _is_in(address: Address, networks: Collection[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


# The networks in which no address is public, on any machine, apart from all of IPv6 that is not in PUBLIC_6.
NOT_PUBLIC = with_forms((*_NOT_PUBLIC_4, *_NOT_PUBLIC_6))
