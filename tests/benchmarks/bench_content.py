"""The content of datasets against crawlee's SQL storage client, in one run: `python -m tests.benchmarks.bench_content`.

100,000 items of about 1 KB are pushed in batches of 1,000 and read back: by Latchkey on SQLite and, where it
can be reached, on PostgreSQL (DATABASE_URL, or 127.0.0.1:5432), and by crawlee on a SQLite file. Everything
happens in temporary directories and databases. Each side gets what it takes: crawlee Python objects, Latchkey
the JSON text of a request's body; neither side is charged for the other's form.
"""

import asyncio
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ITEMS, BATCH = 100_000, 1000
SYLLABLES = "ka lo mi ren tu vas el dor shi qua ben ix om pra zu nel fa gri yo th an er".split()


def items(count: int, seed: int = 7) -> Iterator[dict]:
    """Give products as a scraper would find them: words by Zipf's law, numbers, times, hexadecimal noise."""
    chance = random.Random(seed)
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))) for _ in range(3000)]
    weights = [1 / rank for rank in range(1, len(words) + 1)]

    def text(least: int, most: int) -> str:
        return " ".join(chance.choices(words, weights, k=chance.randint(least, most)))

    sellers = [text(1, 2).title() for _ in range(200)]
    for _ in range(count):
        yield {
            "url": f"https://shop.example.com/p/{text(1, 1)}-{text(1, 1)}-{chance.randrange(10**7)}",
            "title": text(4, 9).title(),
            "sku": f"{chance.getrandbits(40):010x}",
            "price": round(chance.lognormvariate(3, 1), 2),
            "currency": chance.choice(["EUR", "USD", "CZK"]),
            "inStock": chance.random() < 0.8,
            "rating": None if chance.random() < 0.2 else round(chance.uniform(1, 5), 1),
            "reviews": int(chance.expovariate(0.02)),
            "seller": chance.choice(sellers),
            "category": chance.choice(words[:60]),
            "image": f"https://cdn.example.com/i/{chance.getrandbits(64):016x}.jpg",
            "scrapedAt": f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T{chance.randint(0, 23):02}:00:00Z",
            "description": text(75, 135),
        }


def batches() -> list[list[dict]]:
    """Return all the items in batches."""
    all_items = list(items(ITEMS))
    return [all_items[at : at + BATCH] for at in range(0, ITEMS, BATCH)]


def crawlee(given: list[list[dict]], directory: str) -> dict[str, float]:
    """Measure crawlee's SQL storage client on a SQLite file."""
    from crawlee.configuration import Configuration
    from crawlee.storage_clients import SqlStorageClient

    file = Path(directory) / "crawlee.sqlite3"
    found: dict[str, float] = {}

    async def run() -> None:
        warnings.simplefilter("ignore")
        async with SqlStorageClient(connection_string=f"sqlite+aiosqlite:///{file}") as storage:
            configuration = Configuration(storage_dir=directory)
            dataset = await storage.create_dataset_client(name="bench", configuration=configuration)
            start = time.perf_counter()
            for batch in given:
                await dataset.push_data(batch)
            found["push"] = time.perf_counter() - start
            start = time.perf_counter()
            read = 0
            for at in range(0, ITEMS, BATCH):
                read += len((await dataset.get_data(offset=at, limit=BATCH)).items)
            found["read"] = time.perf_counter() - start
            assert read == ITEMS
            start = time.perf_counter()
            for _ in range(5):
                await dataset.get_data(offset=ITEMS // 2 + 317, limit=BATCH)
            found["page"] = (time.perf_counter() - start) / 5

    asyncio.run(run())
    _checkpoint(file)
    found["disk"] = file.stat().st_size
    return found


def _checkpoint(file: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def latchkey(payload_file: str) -> dict[str, float]:
    """Measure Latchkey in this process, which DATABASE_URL and DATA_DIR have been set for."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "console.settings"
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from accounts.models import Account
    from resources.datasets.options import ItemsOptions
    from resources.datasets.reading import open_items
    from resources.datasets.writing import push
    from resources.models import Dataset

    call_command("migrate", verbosity=0)
    dataset = Dataset.objects.create(owner=Account.objects.create_user("bench", "bench@example.com", None))
    before = _size(connection)
    found: dict[str, float] = {}
    with open(payload_file, "rb") as payloads:
        found["push"] = 0.0
        for line in payloads:
            start = time.perf_counter()
            push(dataset.pk, line)
            found["push"] += time.perf_counter() - start
    found["disk"] = _size(connection) - before

    def drain(options: ItemsOptions) -> int:
        body = open_items(dataset.pk, options).body
        return len(body) if isinstance(body, bytes) else sum(map(len, body))

    drain(ItemsOptions(limit=1))
    idle = _high_water()
    start = time.perf_counter()
    size = drain(ItemsOptions())
    found["stream"] = time.perf_counter() - start
    found["memory"] = _high_water() - idle
    found["bytes"] = size
    start = time.perf_counter()
    for at in range(0, ITEMS, BATCH):
        drain(ItemsOptions(offset=at, limit=BATCH))
    found["read"] = time.perf_counter() - start
    found["page"] = _median(lambda: drain(ItemsOptions(offset=ITEMS // 2 + 317, limit=BATCH)))
    found["small"] = _median(lambda: drain(ItemsOptions(offset=ITEMS // 2 + 317, limit=20)))
    found["front"] = _median(lambda: drain(ItemsOptions(limit=20)))
    start = time.perf_counter()
    drain(ItemsOptions(format="csv"))
    found["csv"] = time.perf_counter() - start
    start = time.perf_counter()
    single = Dataset.objects.create(owner=dataset.owner)
    for at in range(1000):
        push(single.pk, b'{"n":%d,"text":"one of many small pushes"}' % at)
    found["single"] = (time.perf_counter() - start) / 1000
    found["chunks"] = single.chunks.count()
    start = time.perf_counter()
    dataset.delete()
    found["delete"] = time.perf_counter() - start
    connection.close()
    return found


def _median(run) -> float:
    times = []
    for _ in range(51):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return sorted(times)[25]


def _size(connection) -> int:
    """Return what the database takes on disk, in bytes, with nothing left in the write-ahead log."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return Path(connection.settings_dict["NAME"]).stat().st_size
        cursor.execute("SELECT pg_total_relation_size('resources_datasetchunk')")
        return cursor.fetchone()[0]


def _high_water() -> int:
    """Return the largest resident size that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _in_process(payload_file: str, directory: str, database_url: str) -> dict[str, float]:
    """Run `latchkey` in a process of its own, so that its memory is nobody else's."""
    data = tempfile.mkdtemp(dir=directory)
    environment = {**os.environ, "DATA_DIR": data, "DATABASE_URL": database_url, "SECRET_KEY": "only-for-benchmarks"}
    command = [sys.executable, "-m", "tests.benchmarks.bench_content", "--latchkey", payload_file]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _on_postgresql(payload_file: str, directory: str) -> dict[str, float] | None:
    """Run on a PostgreSQL database made for it, or return None where there is no server."""
    try:
        import psycopg
    except ImportError:
        return None
    server = os.environ.get("DATABASE_URL") or "postgresql://127.0.0.1:5432/postgres"
    name = f"latchkey_bench_{os.getpid()}"
    try:
        admin = psycopg.connect(server, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        return None
    with admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            own = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
            return _in_process(payload_file, directory, own)
        finally:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _table(theirs: dict[str, float], ours: dict[str, dict[str, float]]) -> None:
    rows = [
        ("push 100,000 items, s", "push", 1),
        ("read them in pages of 1,000, s", "read", 1),
        ("read them as one stream, s", "stream", 1),
        ("page of 1,000 from the middle, ms", "page", 1e3),
        ("page of 20 from the middle, ms", "small", 1e3),
        ("page of 20 from the front, ms", "front", 1e3),
        ("disk, MB", "disk", 1e-6),
        ("memory above idle, streaming, MB", "memory", 1e-6),
        ("CSV of everything, s", "csv", 1),
        ("a push of one item, ms", "single", 1e3),
        ("chunks left by 1,000 of these", "chunks", 1),
        ("delete the dataset, ms", "delete", 1e3),
    ]
    print(f"{'':36}{'crawlee':>12}" + "".join(f"{name:>14}" for name in ours))
    for label, key, scale in rows:
        cells = [theirs, *ours.values()]
        print(
            f"{label:36}"
            + "".join(
                f"{c[key] * scale:>{12 if c is theirs else 14}.3f}"
                if key in c
                else f"{'-':>{12 if c is theirs else 14}}"
                for c in cells
            )
        )


def _reaches(theirs: dict[str, float], sqlite: dict[str, float]) -> None:
    print("\nSQLite against what is to be reached")
    for label, value, reach, ok in (
        ("pushes, times faster", theirs["push"] / sqlite["push"], 5, 1),
        ("reads, times faster", theirs["read"] / sqlite["read"], 10, 1),
        ("disk, part of theirs", sqlite["disk"] / theirs["disk"], 0.25, -1),
        ("page of 1,000, ms", sqlite["page"] * 1e3, 5, -1),
        ("memory above idle, MB", sqlite["memory"] / 1e6, 64, -1),
    ):
        print(f"{label:36}{value:>12.3f}   reach {reach:<6} {'PASS' if (value - reach) * ok >= 0 else 'short'}")


def main() -> None:
    """Run everything and print the table."""
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as directory:
        given = batches()
        payload_file = str(Path(directory) / "payloads.jsonl")
        with open(payload_file, "wb") as payloads:
            payloads.writelines(json.dumps(batch, separators=(",", ":")).encode() + b"\n" for batch in given)
        ours = {"SQLite": _in_process(payload_file, directory, "")}
        postgresql = _on_postgresql(payload_file, directory)
        if postgresql:
            ours["PostgreSQL"] = postgresql
        theirs = crawlee(given, directory)
    size = ours["SQLite"]["bytes"]
    print(f"Content: {ITEMS:,} items, {size / 1e6:.0f} MB of JSON, {size / ITEMS:.0f} bytes each\n")
    _table(theirs, ours)
    _reaches(theirs, ours["SQLite"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--latchkey"]:
        print(json.dumps(latchkey(sys.argv[2])))
    else:
        main()
