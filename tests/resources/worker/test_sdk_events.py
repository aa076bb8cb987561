"""Actors made with the Apify SDK for Python that listen to events, run by the worker and brought to their end by it."""

import re
from collections.abc import Callable, Iterator

import pytest

from resources.jobs.status import JobStatus
from resources.logs.reading import read_text
from resources.models import Record, Run
from resources.records.reading import open_record
from resources.runs import aborting, restarting
from resources.sandbox.network import user_mode
from resources.worker import execute_run, worker_identity
from resources.worker.log_writer import Lines
from tests.support.machine import needs_programs
from tests.support.work_stage import needs_bubblewrap, started

pytestmark = pytest.mark.usefixtures("api_here", "looks_often")

STATE_KEY = "APIFY_GLOBAL_STATE"
# It goes on counting until it is killed, whatever it is told.
COUNTS = """
import asyncio
from apify import Actor

async def main() -> None:
    async with Actor:
        state = await Actor.use_state({'n': 0})
        print('from', state['n'], flush=True)
        while True:
            state['n'] += 1
            print('count', state['n'], flush=True)
            await asyncio.sleep(0.01)

asyncio.run(main())
"""
# It stops counting when it is told that it goes on elsewhere, as crawlers do.
STOPS_COUNTING = COUNTS.replace(
    "        while True:",
    """        moving = asyncio.Event()
        Actor.on(Event.MIGRATING, lambda data: moving.set())
        while True:
            if moving.is_set():
                await asyncio.sleep(60)""",
).replace("import Actor", "import Actor, Event")
LISTENS = """
import asyncio
from apify import Actor, Event

async def main() -> None:
    async with Actor:
        for event in (Event.SYSTEM_INFO, Event.ABORTING, Event.PERSIST_STATE, Event.MIGRATING):
            Actor.on(event, lambda data, event=event: print('told', event.value, data, flush=True))
        print('count 1', flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def api_here(transactional_db, live_server, settings) -> Iterator[None]:
    """Let the API be where a run is told that it is, and the worker go on after the test."""
    settings.PUBLIC_URL = live_server.url
    settings.WORKER_EVENT_GRACE_SECS = 0.6
    yield
    worker_identity.stopping.clear()


@pytest.fixture
def when_printed(monkeypatch) -> Callable[[str, Callable[[str], None]], None]:
    """Call something with what a pattern has found in what a program prints, each time."""

    def call(pattern: str, do: Callable[[str], None]) -> None:
        feed = Lines.feed

        def listening(lines: Lines, printed: bytes) -> None:
            feed(lines, printed)
            for found in re.findall(pattern.encode(), printed):
                do(found.decode())

        monkeypatch.setattr(Lines, "feed", listening)

    return call


def saved_count(run: Run) -> int:
    record = Record.objects.get(store__run_id=run.pk, key__contains="STATE")
    with open_record(record) as file:
        return int(re.findall(rb'"n": ?(\d+)', file.read())[0])


def counted(run: Run) -> list[list[int]]:
    """Return what each program of a run has counted: from where it began on."""
    counts: list[list[int]] = []
    for word, number in re.findall(r" (from|count) (\d+)\n", read_text(run.pk)):
        if word == "from":
            counts.append([])
        counts[-1].append(int(number))
    return counts


@pytest.mark.parametrize("actor", [COUNTS, STOPS_COUNTING])
def test_a_state_never_goes_back_when_workers_are_stopped(ada, when_printed, actor):
    run = started(ada, {"main.py": actor}, memory_mbytes=512)
    goal = 30

    def stop(count: str) -> None:
        if int(count) >= goal:
            worker_identity.stopping.set()

    when_printed(r"count (\d+)", stop)
    saved = []
    for moves in range(1, 4):
        execute_run.execute(run.pk)
        worker_identity.stopping.clear()
        run.refresh_from_db()
        assert (run.status, run.migration_count) == (JobStatus.READY, moves), read_text(run.pk)
        saved.append(saved_count(run))
        goal = saved[-1] + 30
    parts = counted(run)
    assert [part[0] for part in parts] == [0, *saved[:-1]]
    assert saved == sorted(saved)
    # It saves its state once more right before it is asked to end: what is lost is what it does meanwhile.
    assert all(state > 30 and part[-1] - state < 60 for part, state in zip(parts, saved, strict=True))
    if actor is STOPS_COUNTING:
        assert [part[-1] for part in parts] == saved


def test_a_graceful_abort_is_told_before_it_ends_the_run(ada, when_printed):
    run = started(ada, {"main.py": LISTENS}, memory_mbytes=512)
    when_printed(
        r"told systemInfo", lambda _: aborting.abort(Run.objects.get(pk=run.pk), gracefully=True, by=ada.principal)
    )
    execute_run.execute(run.pk)
    run.refresh_from_db()
    log = read_text(run.pk)
    assert run.status == JobStatus.ABORTED, log
    told = re.findall(r"told (\S+)", log)
    assert [name for name in told if name != "systemInfo"] == [
        "aborting",
        "persistState",
        "persistState",
    ]
    assert run.migration_count is None


def test_an_abort_at_once_is_not_told(ada, when_printed):
    run = started(ada, {"main.py": LISTENS}, memory_mbytes=512)
    when_printed(
        r"told systemInfo", lambda _: aborting.abort(Run.objects.get(pk=run.pk), gracefully=False, by=ada.principal)
    )
    execute_run.execute(run.pk)
    run.refresh_from_db()
    assert run.status == JobStatus.ABORTED
    assert "aborting" not in read_text(run.pk)


def test_a_reboot_saves_the_state_before(ada, when_printed):
    run = started(ada, {"main.py": COUNTS}, memory_mbytes=512)
    steps = iter([restarting.reboot, lambda run, by: aborting.abort(run, gracefully=False, by=by)])
    goal = [30, 10_000]

    def go_on(count: str) -> None:
        if int(count) >= goal[0]:
            next(steps)(Run.objects.get(pk=run.pk), by=ada.principal)
            goal[:] = [int(count) + 200, 0]

    when_printed(r"count (\d+)", go_on)
    execute_run.execute(run.pk)
    first, second = counted(run)
    assert 30 < second[0] <= first[-1]


RECEIVES = """
import os
from websockets.sync.client import connect

with connect(os.environ["ACTOR_EVENTS_WEBSOCKET_URL"]) as connection:
    print(connection.recv(timeout=30))
print(os.environ["ACTOR_EVENTS_WEBSOCKET_URL"])
"""


@needs_bubblewrap
@pytest.mark.parametrize(
    ("network", "program"),
    [
        pytest.param("isolated", "pasta", marks=needs_programs("pasta")),
        pytest.param("isolated", "slirp4netns", marks=needs_programs("slirp4netns")),
        ("none", ""),
        ("shared", ""),
    ],
)
def test_events_are_reached_from_every_network(ada, settings, monkeypatch, network, program):
    settings.RUN_NETWORK = network
    if program:
        found = {program: user_mode.installed()[program]}
        monkeypatch.setattr(user_mode, "installed", lambda: found)
    run = started(ada, {"main.py": RECEIVES})
    execute_run.execute(run.pk)
    run.refresh_from_db()
    log = read_text(run.pk)
    assert run.status == JobStatus.SUCCEEDED, log
    assert '"name":"systemInfo"' in log
    assert ("ws://127.76.0.80/********" in log) is (network != "shared")
    assert "/********\n" in log
