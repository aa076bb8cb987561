"""What runs and builds may reach besides public addresses: the setting RUN_NETWORK_ALLOW, read.

An entry is an address, a network (`10.0.0.0/8`) or the name of a host, each alone or with a port (`10.0.0.5:443`,
`[fd00::5]:443`, `10.0.0.0/8:443`, `pypi.intranet:443`). What listens on loopback is reached by its port only.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network

_PARTS = re.compile(r"(?:\[(?P<bracketed>[^\[\]]+)\]|(?P<plain>[^\[\]:]+))(?::(?P<port>[0-9]{1,5}))?\Z")
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\Z")
# 127.1 and 2130706433 are addresses to a resolver, and look like names.
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\Z")
_LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: a network (of one address, too), or else the name of a host; and the only port, None for all."""

    network: Network | None
    name: str
    port: int | None

    @property
    def is_loopback(self) -> bool:
        """Whether it names something on loopback."""
        return self.name == "localhost" or (self.network is not None and is_loopback(self.network))


def parse(text: str) -> Entry:
    """Return an entry of the setting.

    Raises:
        ValueError: for what is none; the message says why.
    """
    problem = f"RUN_NETWORK_ALLOW: {text[:100]!r} is no network, address or host name, alone or with a port."
    network, host, port = _network(text), "", None
    if network is None:
        parts = _PARTS.match(text)
        if parts is None:
            raise ValueError(problem)
        host = (parts["bracketed"] or parts["plain"]).lower().removesuffix(".")
        port = int(parts["port"]) if parts["port"] else None
        network = _network(host)
        is_named = network is None and not parts["bracketed"] and _NAME.match(host) and not _ENDS_IN_NUMBER.match(host)
        if not (network or is_named) or len(host) > 253 or (port is not None and not 0 < port < 65536):
            raise ValueError(problem)
    entry = Entry(network, "" if network else host, port)
    if entry.is_loopback and (port is None or (network is not None and network.num_addresses != 1)):
        raise ValueError(
            f"RUN_NETWORK_ALLOW: {text[:100]!r} is on loopback, where single addresses may be named, with a port, "
            f"as in 127.0.0.1:8080."
        )
    return entry


def parse_all(texts: Iterable[str]) -> list[Entry]:
    """Return all entries of the setting.

    Raises:
        ValueError: when one of them is none.
    """
    return [parse(text) for text in texts]


def is_loopback(network: Network) -> bool:
    """Tell whether all of a network is on loopback, or some of it."""
    return any(network.version == each.version and network.overlaps(each) for each in _LOOPBACK) and (
        network.prefixlen >= 8
    )


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
