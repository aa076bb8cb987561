"""crawlee's side of the benchmark of content, in a process of its own: prints its figures as one JSON object."""

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
import warnings
from pathlib import Path

from crawlee.configuration import Configuration
from crawlee.storage_clients import SqlStorageClient

from tests.benchmarks.content_data import BATCH


async def main(payloads: str, directory: str) -> dict[str, float]:
    """Push and read with the SQL storage client on an SQLite file, and return what it took: seconds, and bytes."""
    warnings.simplefilter("ignore")  # it calls itself experimental
    file = Path(directory) / "crawlee.sqlite3"
    found = {"push": 0.0, "push_cpu": 0.0}
    async with SqlStorageClient(connection_string=f"sqlite+aiosqlite:///{file}") as storage:
        configuration = Configuration(storage_dir=directory)
        dataset = await storage.create_dataset_client(name="bench", configuration=configuration)
        count = 0
        with Path(payloads).open("rb") as lines:
            for line in lines:
                batch = json.loads(line)
                count += len(batch)
                start, processor = time.perf_counter(), time.process_time()
                await dataset.push_data(batch)
                found["push"] += time.perf_counter() - start
                found["push_cpu"] += time.process_time() - processor
        start = time.perf_counter()
        read = 0
        for at in range(0, count, BATCH):
            read += len((await dataset.get_data(offset=at, limit=BATCH)).items)
        found["read"] = time.perf_counter() - start
        assert read == count
        start = time.perf_counter()
        async for _ in dataset.iterate_items():
            read -= 1
        found["stream"] = time.perf_counter() - start
        assert read == 0
        start = time.perf_counter()
        for _ in range(10):
            await dataset.get_data(offset=count // 2, limit=BATCH)
        found["page"] = (time.perf_counter() - start) * 100
        start = time.perf_counter()
        for _ in range(10):
            await dataset.get_data(offset=count // 2, limit=20)
        found["small"] = (time.perf_counter() - start) * 100
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    found["disk"] = file.stat().st_size
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as temporary:
        print(json.dumps(asyncio.run(main(sys.argv[1], temporary))))
