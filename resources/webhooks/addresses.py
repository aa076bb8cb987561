"""Where webhooks may be sent: which addresses the deployment allows, by its setting WEBHOOK_ADDRESSES.

A name is resolved once, every answer is checked, and the connection goes to one of the very addresses that were checked
(`resources/webhooks/sending.py`): the owner of a name cannot have it checked with one answer and used with another. An
address that leads on to another one, as IPv6 has several, is judged as where it leads. Which addresses are public is
one rule for webhooks, runs and builds: `resources/public_addresses.py`.
"""

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import quote, urlsplit

from django.conf import settings

from resources.public_addresses import NAT64, is_public

MAX_URL = 2000
PUBLIC = "public"
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Below are services that were never meant to be spoken to in HTTP, and could be made to do harm by it.
_FIRST_FREE_PORT = 1024
_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")
# 127.1, 0x7f.1 and 2130706433 are addresses to a resolver, and look like names to everybody else.
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\Z")
_PLAIN = "/%:@!$&'()*+,;=~-._[]|"
# One sentence for names that do not exist, and for those that lead elsewhere: which is which, and where they lead, is
# known to the network of the deployment, and not to all who can make a webhook.
_NOT_REACHED = (
    "The host {} was not found, or has an address that webhooks are not sent to here; "
    "the deployment's WEBHOOK_ADDRESSES says where to."
)
_MAY_NOT_BE_SENT_TO = "Webhooks are not sent to {} here; the deployment's WEBHOOK_ADDRESSES says where to."

Address = IPv4Address | IPv6Address


class BadUrl(ValueError):
    """A URL that no webhook can be sent to; the message says why."""


class AddressRefused(ValueError):
    """The deployment does not allow webhooks to be sent there, or the host name does not resolve."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a URL names. `host` is a name in lower case or an address, `path` begins with a slash and has the query."""

    is_tls: bool
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        """What the request says in its Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_default = self.port == _DEFAULT_PORTS["https" if self.is_tls else "http"]
        return host if is_default else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Allowed:
    """The setting, read: whether all that is publicly reachable, which networks, and which names wherever they lead."""

    public: bool
    networks: tuple[IPv4Network | IPv6Network, ...]
    hosts: frozenset[str]

    def host(self, host: str) -> bool:
        return host in self.hosts

    def address(self, address: Address, port: int) -> bool:
        final = _led_to(address)
        if any(final in network for network in self.networks if network.version == final.version):
            return True
        return self.public and _is_fit(port) and is_public(address)


def parse(url: str) -> Target:
    """Return what a URL names.

    Raises:
        BadUrl: when it is not that of an HTTP server, or is written in a way that others could read differently.
    """
    if len(url) > MAX_URL or _UNFIT.search(url):
        raise BadUrl(f"It must be a URL of at most {MAX_URL} characters, without spaces and backslashes.")
    if not url.lower().startswith(("http://", "https://")):
        raise BadUrl("It must begin with https:// or http://.")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = _host(parts.hostname or "")
    except (ValueError, UnicodeError):
        raise BadUrl("It must be a URL with a valid host and port.") from None
    if parts.username is not None or parts.password is not None:
        raise BadUrl("It must not hold a username or password; put an Authorization header into the headersTemplate.")
    path = quote(parts.path or "/", safe=_PLAIN)
    if parts.query:
        path += "?" + quote(parts.query, safe=_PLAIN + "?")
    return Target(parts.scheme == "https", host, _DEFAULT_PORTS[parts.scheme] if port is None else port, path)


def check(url: str) -> None:
    """Look at a URL that is about to be saved, without asking where its name leads: that may change.

    Raises:
        BadUrl: when it is none, or names what is certain not to be allowed.
    """
    target = parse(url)
    allowed = _allowed()
    address = _literal(target.host)
    if address is not None:
        fine = allowed.address(address, target.port)
    elif target.host == "localhost" or target.host.endswith(".localhost"):
        fine = allowed.host(target.host) or allowed.address(IPv4Address("127.0.0.1"), target.port)
    else:
        fine = allowed.host(target.host) or bool(allowed.networks) or (allowed.public and _is_fit(target.port))
    if not fine:
        raise BadUrl(_MAY_NOT_BE_SENT_TO.format(target.host_header))


def resolve_addresses(target: Target) -> Sequence[str]:
    """Return the addresses to connect to for a target, all of them allowed, in the order of the resolver.

    Raises:
        AddressRefused: when its name does not resolve, or one of its addresses is not allowed.
    """
    allowed = _allowed()
    try:
        answers = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        raise AddressRefused(_NOT_REACHED.format(target.host_header)) from None
    # The zone of a link-local address is cut off, because `ip_address` has it take part in no comparison.
    found = list(dict.fromkeys(str(answer[4][0]).partition("%")[0] for answer in answers))
    if not found:
        raise AddressRefused(_NOT_REACHED.format(target.host_header))
    if not allowed.host(target.host):
        for text in found:
            if not allowed.address(ip_address(text), target.port):
                said = _NOT_REACHED if _literal(target.host) is None else _MAY_NOT_BE_SENT_TO
                raise AddressRefused(said.format(target.host_header))
    return found


def _host(text: str) -> str:
    """Return a host as it is compared and asked for.

    Raises:
        ValueError: for what is neither a name nor an address, or an address in a disguise.
    """
    if ":" in text:
        return str(IPv6Address(text))
    host = text if text.isascii() else text.encode("idna").decode("ascii")
    host = host.lower().removesuffix(".")
    if len(host) > 253 or not _HOST.match(host):
        raise ValueError(text)
    return str(IPv4Address(host)) if _ENDS_IN_NUMBER.match(host) else host


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_fit(port: int) -> bool:
    return port in _DEFAULT_PORTS.values() or port >= _FIRST_FREE_PORT


def _led_to(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for or leads to, and every other address as it is."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour or address


def _allowed() -> _Allowed:
    return _read(tuple(settings.WEBHOOK_ADDRESSES))


@lru_cache(maxsize=8)
def _read(entries: tuple[str, ...]) -> _Allowed:
    networks, hosts = [], set()
    for entry in entries:
        if entry == PUBLIC:
            continue
        try:
            networks.append(ip_network(entry, strict=False))
        except ValueError:
            hosts.add(_host(entry))
    return _Allowed(PUBLIC in entries, tuple(networks), frozenset(hosts))
