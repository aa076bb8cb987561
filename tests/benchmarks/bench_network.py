"""What a network of its own costs a run: `python -m tests.benchmarks.bench_network`.

How long it takes to set up and to take down, and how fast data comes from a public address by pasta and by
slirp4netns, and from PUBLIC_URL by the relay, beside the same by the server's own network. All of it on one machine, in
network namespaces (tests/support/network_world.py), so that no network outside of it is measured.
"""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median
from time import perf_counter

import django

from tests.benchmarks.report import Reach, table

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.conf import settings  # noqa: E402

from resources.sandbox.network import namespaces, user_mode  # noqa: E402
from resources.sandbox.network.starting import RunNetwork  # noqa: E402
from tests.support.network_world import World  # noqa: E402

START_AT_MOST_MS, AT_LEAST_MBYTES_A_SECOND = 400, 100
MEGABYTE = 1 << 20
PUBLIC, PORT = "8.8.4.4", 8080
STARTS, TIMES = 15, 5
_READ = """
import socket, sys, time
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as connection:
    start, size, buffer = time.perf_counter(), 0, bytearray(1 << 20)
    while got := connection.recv_into(buffer):
        size += got
    print(size / (1 << 20) / (time.perf_counter() - start))
"""


def main(*, quick: bool = False) -> list[Reach]:
    """Measure, print the table, and return what was reached."""
    size = (16 if quick else 512) * MEGABYTE
    settings.PUBLIC_URL, settings.RUN_NETWORK_ALLOW = f"http://127.0.0.1:{PORT}", []
    rows, reached = [], []
    with (
        World() as world,
        _sending(world, size, inside_world=True),
        _sending(world, size, inside_world=False),
        world.entered(),
    ):
        rows.append(["the server's own", "", f"{_speed(None, PUBLIC):.0f}", f"{_speed(None, '127.0.0.1'):.0f}"])
        for name, path in user_mode.installed().items():
            start = median(_milliseconds(partial(RunNetwork, (name, path))) for _ in range(3 if quick else STARTS))
            network = RunNetwork((name, path))
            public, relayed = _speed(network, PUBLIC), _speed(network, "127.0.0.1")
            network.close()
            rows.append([name, f"{start:.0f}", f"{public:.0f}", f"{relayed:.0f}"])
            reached.append(Reach(f"network by {name}: set up and taken down, ms", start, at_most=START_AT_MOST_MS))
            reached += [
                Reach(f"network by {name}: {what}, MB/s", speed, at_least=AT_LEAST_MBYTES_A_SECOND)
                for what, speed in (("public", public), ("PUBLIC_URL", relayed))
            ]
    head = ["network", "set up and down, ms", "public address, MB/s", "PUBLIC_URL, MB/s"]
    table("The network of a run", head, rows)
    return reached


def _milliseconds(make: Callable[[], RunNetwork]) -> float:
    start = perf_counter()
    make().close()
    return (perf_counter() - start) * 1000


def _speed(network: RunNetwork | None, host: str) -> float:
    """Return how many megabytes a second a program gets, the best of some times."""
    return max(float(_read(network, host)) for _ in range(TIMES))


def _read(network: RunNetwork | None, host: str) -> str:
    inside = network.namespaces if network else ()
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", _READ, host, str(PORT)],
        preexec_fn=partial(namespaces.enter, *inside) if inside else None,
        pass_fds=inside,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


@contextmanager
def _sending(world: World, size: int, *, inside_world: bool) -> Iterator[None]:
    """Send so many bytes to each who connects."""
    with world.entered(world=inside_world):
        listening = socket.create_server(("0.0.0.0", PORT), backlog=100)
    with listening:
        threading.Thread(target=_send, args=(listening, size), daemon=True).start()
        yield


def _send(listening: socket.socket, size: int) -> None:
    chunk = bytes(MEGABYTE)
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection:
            for _ in range(size // MEGABYTE):
                connection.sendall(chunk)


if __name__ == "__main__":
    for each in main(quick="--quick" in sys.argv):
        print(each)
