"""Everything that a dataset has, over HTTP: `python -m tests.benchmarks.bench_exports`.

The same 100,000 items of about 1 KB leave Latchkey as JSON, and nginx as a static file with the very same bytes; both
run at the same time and are asked in turn. So is an export in zstd, with the time to take it out of that. On one
machine that is slower at any level, for to compress takes the processor several times as long as to send: it pays over
a network of less than about 150 MB a second. Without nginx its part is left out, and said to be.

The memory that the server's only worker has to itself is read every few milliseconds while it exports. Pages of the
database file that it has mapped come on top, once for each thread in the system's count: they are printed, and are
the page cache's, which all processes share and which gives way.

CSV is compared with what pyarrow needs to make one of the same lines of JSON, and with what it needs when it has been
given the table already. There the processor's time counts, because pyarrow spreads its work over several processors
and Latchkey leaves them to other requests.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import zstandard

from tests.benchmarks import content_data, databases
from tests.benchmarks.bench_requests import wait_for
from tests.benchmarks.databases import Database
from tests.benchmarks.report import Reach, table
from tests.support.ports import free_port
from tests.support.served import Served, served

MEGABYTE = 1e6
SHARES_OF_NGINX, SHARE_OF_PYARROW = {"SQLite": 0.33, "PostgreSQL": 0.25}, 1 / 2
MOST_MEMORY = 64  # megabytes above what the worker has had before
# Where systems put it is not on everybody's path.
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
_NGINX = """
daemon off; pid {directory}/nginx.pid; error_log stderr error; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; tcp_nopush on; default_type application/json;
  client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
  uwsgi_temp_path {directory}; scgi_temp_path {directory};
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def main(*, quick: bool = False) -> list[Reach]:
    """Measure on every database, print the tables, and return what was reached."""
    reached = []
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as directory:
        # nginx gives up root, and then may not look into a private directory.
        Path(directory).chmod(0o755)
        payloads = Path(directory) / "payloads.jsonl"
        content_data.write(payloads, content_data.QUICK if quick else content_data.FULL)
        for name, make in databases.available():
            with make() as database:
                reached += _export(name, database, payloads, rounds=3 if quick else 7)
        reached += _csv(payloads, Path(directory))
    return reached


def _export(name: str, database: Database, payloads: Path, rounds: int) -> list[Reach]:
    data = payloads.parent / name
    with served(data, ("bench",), workers=1, database_url=database.environment["DATABASE_URL"]) as ours:
        export = f"{ours.url}/v2/datasets/{_pushed(ours, payloads)}/items"
        token = {"Authorization": f"Bearer {ours.tokens['bench']}"}
        before, mapped_before = ours.own_memory(), ours.peak_memory()
        file = data / "items.json"
        file.write_bytes(_whole(export, token))
        rows, reached = [], []
        what, share = f"exports, {name}: share of nginx's rate", SHARES_OF_NGINX[name]
        size = file.stat().st_size
        if NGINX is None:
            print("\nnginx is not installed: what it makes of the same file was not measured.")
        with _nginx(data) as nginx, _highest(ours.own_memory) as highest:
            times = [
                (
                    _seconds(export, token),
                    _seconds(f"{nginx}/items.json", {}) if nginx else 0.0,
                    _seconds_of_zstd(export, token, size),
                )
                for _ in range(rounds)
            ]
        mine, packed = (median(each[at] for each in times) for at in (0, 2))
        rows.append(["Latchkey", f"{mine:.3f}", f"{size / MEGABYTE / mine:.0f}"])
        rows.append(["Latchkey, in zstd and taken out of it", f"{packed:.3f}", f"{size / MEGABYTE / packed:.0f}"])
        if NGINX is None:
            reached.append(Reach(f"{what}, not measured", 0.0, at_least=share))
        else:
            static = median(each for _, each, _ in times)
            rows.append(["nginx, a static file", f"{static:.3f}", f"{size / MEGABYTE / static:.0f}"])
            reached.append(Reach(what, static / mine, at_least=share))
        grown = (highest() - before) / MEGABYTE
        mapped = (ours.peak_memory() - mapped_before) / MEGABYTE
    print(f"\nMemory that exports add: {grown:.1f} MB, with mapped files {mapped:.1f} MB")
    reached.append(Reach(f"exports, {name}: megabytes that exports add", grown, at_most=MOST_MEMORY))
    table(
        f"Export of {size / MEGABYTE:.0f} MB as JSON over HTTP with {name}, medians of {rounds} rounds",
        ["", "seconds", "MB/s"],
        rows,
    )
    return reached


def _pushed(ours: Served, payloads: Path) -> str:
    dataset: str = json.loads(ours.request("POST", "/v2/datasets", who="bench").read())["data"]["id"]
    with payloads.open("rb") as batches:
        for batch in batches:
            answer = ours.request("POST", f"/v2/datasets/{dataset}/items", batch, who="bench")
            assert answer.status == 201, answer.read()
            answer.read()
    return dataset


def _whole(url: str, headers: dict[str, str]) -> bytes:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.request("GET", parts.path, headers=headers)
    return connection.getresponse().read()


def _seconds(url: str, headers: dict[str, str]) -> float:
    """Return how long it takes from a request to the end of its answer, which is received and no more than that."""
    parts = urlsplit(url)
    lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    start = time.perf_counter()
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        head = connection.recv(4096)
        assert head.startswith(b"HTTP/1.1 200 "), head
        while connection.recv_into(_BUFFER):
            pass
    return time.perf_counter() - start


def _seconds_of_zstd(url: str, headers: dict[str, str], size: int) -> float:
    """Return how long it takes until all of an answer of `size` bytes has come in zstd and was taken out of it."""
    parts = urlsplit(url)
    decoder = zstandard.ZstdDecompressor().decompressobj()
    start, found = time.perf_counter(), 0
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.request("GET", parts.path, headers={**headers, "Accept-Encoding": "zstd"})
    answer = connection.getresponse()
    assert answer.getheader("Content-Encoding") == "zstd", answer.headers
    while received := answer.read1(1024 * 1024):
        found += len(decoder.decompress(received))
    assert found == size
    return time.perf_counter() - start


_BUFFER = bytearray(1024 * 1024)


@contextmanager
def _highest(read: Callable[[], int]) -> Iterator[Callable[[], int]]:
    """Read a figure every few milliseconds until the block ends, and give what tells the highest so far."""
    found, stop = [read()], threading.Event()

    def watch() -> None:
        while not stop.wait(0.005):
            found[0] = max(found[0], read())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: found[0]
    finally:
        stop.set()
        thread.join()


@contextmanager
def _nginx(root: Path) -> Iterator[str | None]:
    """Serve the files of a directory with nginx until the block ends; None where there is no nginx."""
    if NGINX is None:
        yield None
        return
    port = free_port()
    configuration = root / "nginx.conf"
    configuration.write_text(_NGINX.format(directory=root, root=root, port=port))
    process = subprocess.Popen([NGINX, "-c", str(configuration), "-p", str(root), "-e", "stderr"])
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _csv(payloads: Path, directory: Path) -> list[Reach]:
    """Compare CSV with pyarrow's, each in a process of its own."""
    environment = {**os.environ, "DATA_DIR": str(directory / "csv"), "DATABASE_URL": "", "SECRET_KEY": "bench" * 10}
    environment["DJANGO_SETTINGS_MODULE"] = "console.settings"
    command = [sys.executable, "-m", "tests.benchmarks.csv_sides", str(payloads)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    table(
        f"CSV of {found['rows']:,} items, seconds, the best of {found['rounds']}",
        ["", "on the clock", "of processors"],
        [[name, f"{clock:.3f}", f"{processor:.3f}"] for name, (clock, processor) in found["seconds"].items()],
    )
    ours, theirs = found["seconds"]["Latchkey, from what is stored"], found["seconds"]["pyarrow, from lines of JSON"]
    return [Reach("exports: CSV, share of pyarrow's speed", theirs[1] / ours[1], at_least=SHARE_OF_PYARROW)]


if __name__ == "__main__":
    for each in main(quick="--quick" in sys.argv):
        print(each)
