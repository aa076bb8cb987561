"""A machine and a world around it, in network namespaces of their own: no packet leaves them.

The machine has the public addresses 5.5.5.2 and 2a00:5::2 and a private one, and a database on port 5432 of all its
addresses. The world has addresses of every sort, and answers on port 80 of each, by TCP and UDP, and on port 53 of
8.8.4.4 to questions for names. `World.entered` has the thread that calls it be on the machine.

Run as a program, this is what answers: `python -m tests.support.network_world PORT...`.
"""

import contextlib
import ctypes
import os
import selectors
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.machine import needs

ROOT = Path(__file__).parents[2]
_NEWNET = 0x40000000
# Found once: tests leave only some programs in PATH.
_IP, _NSENTER = shutil.which("ip") or "ip", shutil.which("nsenter") or "nsenter"

PUBLIC = ("8.8.4.4", "2600:9::9", "64:ff9b::808:404", "2002:808:404::9")
OWN = ("127.0.0.1", "::1", "5.5.5.2", "2a00:5::2", "10.5.5.2", "fd00:5::2", "9.9.9.2")
PRIVATE = (
    *("10.9.9.9", "172.16.9.9", "192.168.9.9", "100.64.9.9", "169.254.169.254", "168.63.129.16"),
    *("198.18.9.9", "198.51.100.9", "203.0.113.9", "192.0.0.9", "192.88.99.9", "240.0.0.9"),
    *("fd00:9::9", "fd00:ec2::254", "2001:db8::9", "2001:2::9", "3fff::9", "64:ff9b:1::9", "fec0::9"),
    *("64:ff9b::a09:909", "64:ff9b::a9fe:a9fe", "64:ff9b::a83f:8110", "64:ff9b::505:502"),
    *("2002:a09:909::9", "2002:a9fe:a9fe::9", "2001:0:4136:e378:8000:63bf:f5f6:f6f6"),
)
NAMES = {b"public.test": "8.8.4.4", b"private.test": "10.9.9.9", b"here.test": "127.0.0.1", b"own.test": "5.5.5.2"}

# Has a socket of UDP say which address something was sent to.
_TELLS_ADDRESS = {
    socket.AF_INET: (socket.IPPROTO_IP, 8),  # IP_PKTINFO
    socket.AF_INET6: (socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO),
}

needs_namespaces = needs(
    os.geteuid() == 0 and shutil.which("ip") is not None, "making networks needs root and the program ip (iproute2)"
)


class World:
    """Both namespaces, as long as it is entered."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._machine = self._world = 0

    def __enter__(self) -> "World":
        self._machine = self._started("5432", "8000", "9000")
        self._world = self._started("80", "53", "25")
        self._configure()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def entered(self, *, world: bool = False) -> Iterator[None]:
        """Have this thread, and what it starts, be on the machine, or in the world around it."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/proc/{self._world if world else self._machine}/ns/net", os.O_RDONLY)
        try:
            _enter(there)
            yield
        finally:
            _enter(before)
            os.close(before)
            os.close(there)

    def on_machine(self, *words: str) -> None:
        """Have the program ip do something on the machine."""
        _ip(self._machine, *words)

    def _started(self, *ports: str) -> int:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.network_world", *ports], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process.pid

    def _configure(self) -> None:
        pair = f"link add world netns {self._machine} type veth peer name machine netns {self._world}"
        subprocess.run([_IP, *pair.split()], check=True)
        for pid, interface, four, six in (
            (self._machine, "world", "5.5.5.2/24", "2a00:5::2/64"),
            (self._world, "machine", "5.5.5.1/24", "2a00:5::1/64"),
        ):
            for each in (four, six):
                _ip(pid, *f"addr add {each} dev {interface} {'nodad' if ':' in each else ''}".split())
            _ip(pid, "link", "set", interface, "up")
        for address in ("10.5.5.2/24", "fd00:5::2/64", "9.9.9.2/32"):
            _ip(self._machine, *f"addr add {address} dev world {'nodad' if ':' in address else ''}".split())
        _ip(self._machine, *["route", "add", "default", "via", "5.5.5.1"])
        _ip(self._machine, *["-6", "route", "add", "default", "via", "2a00:5::1"])
        for network in ("10.5.5.0/24", "fd00:5::/64"):  # where answers go
            _ip(self._world, "route", "add", network, "dev", "machine")
        for address in (*PUBLIC, *PRIVATE):
            _ip(self._world, "addr", "add", address, "dev", "lo")


def _ip(pid: int, *words: str) -> None:
    subprocess.run([_NSENTER, f"--net=/proc/{pid}/ns/net", _IP, *words], check=True)


def _enter(descriptor: int) -> None:
    assert ctypes.CDLL(None, use_errno=True).setns(descriptor, _NEWNET) == 0, os.strerror(ctypes.get_errno())


# What answers


def _answer(ports: list[int]) -> None:
    assert ctypes.CDLL(None).unshare(_NEWNET) == 0
    subprocess.run([_IP, "link", "set", "lo", "up"], check=True)
    selector = selectors.DefaultSelector()
    for port in ports:
        for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                listening = socket.socket(family, kind)
                if family == socket.AF_INET6:
                    listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                if kind == socket.SOCK_DGRAM:
                    listening.setsockopt(*_TELLS_ADDRESS[family], 1)
                listening.bind((host, port))
                if kind == socket.SOCK_STREAM:
                    listening.listen(100)
                selector.register(listening, selectors.EVENT_READ, port)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            with contextlib.suppress(OSError):
                _reply(key.fileobj, key.data)  # type: ignore[arg-type]  # a socket


def _reply(listening: socket.socket, port: int) -> None:
    if listening.type == socket.SOCK_DGRAM:
        asked, told, _, asker = listening.recvmsg(2000, 200)
        answer = _resolved(asked) if port == 53 else b"reached"
        try:  # from the address that was asked, and where that is none of its own, from another one
            listening.sendmsg([answer], told, 0, asker)
        except OSError:
            listening.sendto(answer, asker)
        return
    connection, _ = listening.accept()
    with connection:
        connection.settimeout(5)
        if port == 53:
            asked = connection.recv(2000)[2:]
            connection.sendall(struct.pack("!H", len(_resolved(asked))) + _resolved(asked))
        else:
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nreached")
            connection.shutdown(socket.SHUT_WR)
            connection.recv(2000)


def _resolved(asked: bytes) -> bytes:
    """Return the answer of a name server: the address of one of NAMES, for IPv4 only."""
    labels, at = [], 12
    while size := asked[at]:
        labels.append(asked[at + 1 : at + 1 + size])
        at += 1 + size
    question = asked[12 : at + 5]
    address = NAMES.get(b".".join(labels).lower())
    is_a = question[-4:-2] == b"\0\1"
    answers = int(address is not None and is_a)
    head = asked[:2] + (b"\x81\x80" if address else b"\x81\x83") + struct.pack("!HHHH", 1, answers, 0, 0)
    record = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(address) if answers and address else b""
    return head + question + record


if __name__ == "__main__":
    _answer([int(port) for port in sys.argv[1:]])
