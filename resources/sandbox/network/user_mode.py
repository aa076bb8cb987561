"""The programs that give a namespace a network without any right on the host: pasta (of passt) and slirp4netns."""

import os
import shutil
from ipaddress import IPv4Address, IPv6Address

PASTA, SLIRP4NETNS = "pasta", "slirp4netns"
INTERFACE = "tap0"
MTU = 65520
# What they give to the namespace: no other host has these addresses, because the IPv4 ones are for benchmarks, and the
# IPv6 ones are never routed.
GUEST_4, GATEWAY_4 = IPv4Address("198.18.53.100"), IPv4Address("198.18.53.2")
GUEST_6, GATEWAY_6 = IPv6Address("fd00::100"), IPv6Address("fe80::2")
_CIDR_4, _LENGTH_4 = "198.18.53.0/24", 24


def installed() -> dict[str, str]:
    """Return the paths of those that are installed, by name, the better one first."""
    found = {name: shutil.which(name) for name in (PASTA, SLIRP4NETNS)}
    return {name: path for name, path in found.items() if path}


def build_command(name: str, path: str, pid: int, exit_descriptor: int, *, ipv4: bool, ipv6: bool) -> list[str]:
    """Return what to start for the namespaces of a process. slirp4netns ends when the descriptor is closed."""
    return (_pasta(path, ipv4, ipv6) if name == PASTA else _slirp4netns(path, exit_descriptor, ipv6)) + (
        [str(pid)] if name == PASTA else [str(pid), INTERFACE]
    )


def _pasta(path: str, ipv4: bool, ipv6: bool) -> list[str]:
    command = [path, "--foreground", "--quiet", "--ns-ifname", INTERFACE, "--mtu", str(MTU)]
    # Nothing of the host is offered to the namespace, nor the other way round, and no address leads to the host.
    command += ["--no-map-gw", *("--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none")]
    command += ["--no-dhcp", "--no-dhcpv6", "--no-ndp", "--no-ra", "--no-icmp", "--dns", "none", "--search", "none"]
    if ipv4:
        command += ["--address", str(GUEST_4), "--netmask", str(_LENGTH_4), "--gateway", str(GATEWAY_4)]
    if ipv6:
        command += ["--address", str(GUEST_6), "--gateway", str(GATEWAY_6)]
    if not (ipv4 and ipv6):
        command.append("--ipv4-only" if ipv4 else "--ipv6-only")
    if os.geteuid() == 0:  # as the user that it would become without this, it could not enter the namespaces of root
        command += ["--runas", "0:0"]
    return command


def _slirp4netns(path: str, exit_descriptor: int, ipv6: bool) -> list[str]:
    command = [path, f"--exit-fd={exit_descriptor}", f"--mtu={MTU}", f"--cidr={_CIDR_4}"]
    command += ["--disable-host-loopback", "--disable-dns", "--enable-sandbox", "--enable-seccomp"]
    return [*command, "--enable-ipv6"] if ipv6 else command
