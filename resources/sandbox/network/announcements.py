"""Frames of Ethernet by which an address is announced that is behind an interface: who has it need not be asked."""

import struct
from ipaddress import IPv4Address, IPv6Address

_EVERYBODY = b"\xff" * 6
_EVERYBODY_6 = IPv6Address("ff02::1")
_ARP, _IPV6, _ICMPV6 = 0x0806, 0x86DD, 58
_REQUEST, _ADVERTISEMENT = 1, 136
_OVERRIDE = 0x20000000
_TARGET_MAC = b"\x02\x01"


def by_arp(mac: bytes, address: IPv4Address) -> bytes:
    """Return a gratuitous request of ARP."""
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, _REQUEST) + mac + address.packed + bytes(6) + address.packed
    return _EVERYBODY + mac + struct.pack("!H", _ARP) + body


def by_ndp(mac: bytes, address: IPv6Address) -> bytes:
    """Return an unsolicited neighbour advertisement."""
    said = struct.pack("!I", _OVERRIDE) + address.packed + _TARGET_MAC + mac
    ends = address.packed + _EVERYBODY_6.packed
    size = 4 + len(said)
    total = _sum(ends + struct.pack("!II", size, _ICMPV6) + bytes([_ADVERTISEMENT, 0, 0, 0]) + said)
    body = struct.pack("!BBH", _ADVERTISEMENT, 0, ~total & 0xFFFF) + said
    header = struct.pack("!IHBB", 6 << 28, size, _ICMPV6, 255) + ends
    return b"\x33\x33\0\0\0\1" + mac + struct.pack("!H", _IPV6) + header + body


def _sum(content: bytes) -> int:
    """Return the sum of all pairs of bytes, as the checksum has it."""
    total: int = sum(struct.unpack(f"!{len(content) // 2}H", content))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total
