"""crawlee's side of the benchmark of queues, in a process of its own: prints its figures as one JSON object."""

import asyncio
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

from crawlee import Request
from crawlee.configuration import Configuration
from crawlee.storage_clients import SqlStorageClient

from tests.benchmarks.queue_plan import BATCH, url_of, user_data_of


async def main(count: int, directory: str) -> dict[str, float]:
    """Add, fetch and handle with the SQL storage client on an SQLite file; return how many there were in a second."""
    warnings.simplefilter("ignore")  # it calls itself experimental
    file = Path(directory) / "crawlee.sqlite3"
    async with SqlStorageClient(connection_string=f"sqlite+aiosqlite:///{file}") as storage:
        configuration = Configuration(storage_dir=directory)
        batched, single = [
            await storage.create_rq_client(name=name, configuration=configuration) for name in ("batched", "single")
        ]
        requests = [
            Request.from_url(url_of(number), unique_key=url_of(number), user_data=user_data_of(number))
            for number in range(count)
        ]
        found = {}
        start = time.perf_counter()
        for first in range(0, count, BATCH):
            await batched.add_batch_of_requests(requests[first : first + BATCH])
        found["add_batch"] = count / (time.perf_counter() - start)
        singles = count // 5
        start = time.perf_counter()
        for each in requests[:singles]:
            await single.add_batch_of_requests([each])
        found["add_one"] = singles / (time.perf_counter() - start)
        start = time.perf_counter()
        handled = 0
        while request := await batched.fetch_next_request():
            await batched.mark_request_as_handled(request)
            handled += 1
        found["fetch_and_handle"] = handled / (time.perf_counter() - start)
        assert handled == count
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as temporary:
        print(json.dumps(asyncio.run(main(int(sys.argv[1]), temporary))))
