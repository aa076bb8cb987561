"""Taking up jobs: in turn, in as many places as there are, and those that runs wait for in places of their own."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from accounts.deployment import exposure
from accounts.lib.ids import new_id
from accounts.models import Account, ListeningAddress
from resources.jobs.status import FINISHED, JobStatus
from resources.kinds import Kind
from resources.models import Run
from resources.worker import dispatch, execute_build, execute_run, leases, worker_identity
from resources.worker.dispatch import Dispatcher
from resources.worker.places import Places
from tests.support.factories import make_resource

pytestmark = pytest.mark.django_db(transaction=True)


class Stage:
    """A dispatcher, and what its jobs do instead of running a program."""

    def __init__(self, jobs: int, most: int, deepest: int) -> None:
        self.places = Places(jobs, most, deepest=deepest)
        self.dispatcher = Dispatcher(self.places)
        self.most_at_once = 0
        self.order: list[str] = []
        self._changed = threading.Condition()
        self._ended: set[str] = set()
        self.do: Callable[[str], None] = lambda run_id: None

    def execute(self, job_id: str, worker: str) -> None:
        with self._changed:
            self.order.append(job_id)
            self.most_at_once = max(self.most_at_once, self.places.count())
        self.do(job_id)
        leases.end(Run, job_id, worker, JobStatus.SUCCEEDED)
        with self._changed:
            self._ended.add(job_id)
            self._changed.notify_all()

    def wait_for(self, *job_ids: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._ended.issuperset(job_ids), 60)

    @contextmanager
    def working(self) -> Iterator[None]:
        thread = threading.Thread(target=self.dispatcher.run)
        thread.start()
        try:
            yield
        finally:
            worker_identity.stopping.set()
            self.dispatcher.wake()
            thread.join()
            worker_identity.stopping.clear()


@pytest.fixture
def stage(monkeypatch) -> Callable[..., Stage]:
    monkeypatch.setattr(dispatch, "INTERVAL_SECONDS", 0.01)

    def make(jobs: int, most: int, deepest: int = 0) -> Stage:
        made = Stage(jobs, most, deepest)
        monkeypatch.setattr(execute_run, "execute_claimed", made.execute)
        monkeypatch.setattr(execute_build, "execute_claimed", made.execute)
        return made

    return make


def worker_waits_until(is_so: Callable[[], bool]) -> bool:
    """Wait as a program does that asks for a run again and again."""
    until = time.monotonic() + 60
    while not (found := is_so()) and time.monotonic() < until:
        connection.close()
        threading.Event().wait(0.01)
    connection.close()
    return found


def ready(owner: Account, parent: str | None = None, **fields: str) -> str:
    now = timezone.now()
    run: Run = make_resource(Kind.RUN, owner, status=JobStatus.READY, started_at=now, started_by_run=parent, **fields)
    return run.pk


def test_a_database_that_does_not_answer_is_asked_again(ada, stage, monkeypatch):
    monkeypatch.setattr(dispatch, "PAUSE_AFTER_ERROR_SECONDS", 0.01)
    made = stage(1, 1)
    find, failures = made.dispatcher._turns.find_next, iter([DatabaseError("gone"), RuntimeError("broken")])

    def find_next():
        for error in failures:
            raise error
        return find()

    monkeypatch.setattr(made.dispatcher._turns, "find_next", find_next)
    run = ready(ada)
    with made.working():
        made.wait_for(run)


def test_a_job_that_another_worker_has_taken_is_not_taken(ada, stage, monkeypatch):
    made = stage(1, 1)
    taken, run = ready(ada), ready(ada)
    claim = leases.claim

    def claims(model, job_id, worker):
        if job_id == taken:
            assert claim(model, job_id, "another one")
        return claim(model, job_id, worker)

    monkeypatch.setattr(leases, "claim", claims)
    with made.working():
        made.wait_for(run)
    assert made.order == [run]


def test_where_no_thread_is_to_be_had_the_job_waits_on(ada, stage, monkeypatch):
    monkeypatch.setattr(dispatch, "PAUSE_AFTER_ERROR_SECONDS", 0.01)
    made, run = stage(1, 1), ready(ada)
    start, failures = threading.Thread.start, iter([RuntimeError("can't start new thread")])

    def starts(thread: threading.Thread) -> None:
        if thread.name.startswith("job "):
            for error in failures:
                raise error
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", starts)
    with made.working():
        made.wait_for(run)
    assert Run.objects.get(pk=run).status == JobStatus.SUCCEEDED


def test_a_job_that_fails_for_a_reason_of_ours_leaves_its_place(ada, stage):
    made, (broken, run) = stage(1, 1), (ready(ada), ready(ada))

    def do(job_id: str) -> None:
        if job_id == broken:
            raise RuntimeError("broken")

    made.do = do
    with made.working():
        made.wait_for(run)


def test_no_more_than_so_many_are_at_work_at_once(ada, stage):
    made = stage(3, 10)
    both = threading.Barrier(3, timeout=60)
    made.do = lambda job_id: both.wait() and None
    runs = [ready(ada) for _ in range(9)]
    with made.working():
        made.wait_for(*runs)
    assert made.most_at_once == 3


def test_places_that_become_free_go_to_accounts_in_turn(ada, ben, stage):
    made = stage(2, 2)
    runs = [ready(ada) for _ in range(20)]
    late = ready(ben)
    with made.working():
        made.wait_for(*runs, late)
    assert made.order.index(late) < 3


def calls(made: Stage, owner: Account, depth: int) -> Callable[[str], None]:
    """Return what a run does that starts another one and waits for it, so many deep."""
    depths: dict[str, int] = {}

    def do(run_id: str) -> None:
        level = depths.get(run_id, 0)
        if level < depth:
            child = ready(owner, run_id)
            depths[child] = level + 1
            connection.close()
            made.wait_for(child)

    return do


def test_runs_that_call_runs_five_deep_end(ada, stage):
    made = stage(2, 16)
    made.do = calls(made, ada, 5)
    roots = [ready(ada) for _ in range(3)]
    with made.working():
        made.wait_for(*roots)
    assert len(made.order) == 18
    assert made.most_at_once <= 12


@pytest.mark.parametrize(("most", "deepest"), [(16, 5), (32, 7)])
def test_runs_of_four_accounts_that_call_runs_five_deep_end(stage, make_account, most, deepest):
    """Chains go deeper in step, so that all that have begun are at work at once."""
    made = stage(2, most, deepest)
    owners = {ready(owner): owner for owner in (make_account(f"account{number}") for number in range(4))}
    roots = {run: run for run in owners}
    levels = dict.fromkeys(roots, 1)
    reached: dict[str, int] = {}  # by the roots that have begun and not ended

    def do(run_id: str) -> None:
        root, level = roots[run_id], levels[run_id]
        reached[root] = level
        if level < 5:
            assert worker_waits_until(lambda: min(reached.copy().values()) >= level)
            child = new_id()
            roots[child], levels[child] = root, level + 1
            ready(owners[root], run_id, id=child)
            assert worker_waits_until(lambda: Run.objects.filter(pk=child, status__in=FINISHED).exists())
        if level == 1:
            del reached[root]

    made.do = do
    with made.working():
        made.wait_for(*owners)
    assert set(Run.objects.values_list("status", flat=True)) == {JobStatus.SUCCEEDED}
    assert len(made.order) == 20


def test_a_run_that_calls_itself_for_ever_has_so_many_places_and_no_more(ada, stage):
    made = stage(1, 5)
    full = threading.Event()

    def do(run_id: str) -> None:
        ready(ada, run_id)
        connection.close()
        if len(made.order) == 5:
            full.set()
        assert worker_identity.stopping.wait(60)

    made.do = do
    ready(ada)
    with made.working():
        assert full.wait(60)
    assert len(made.order) == made.most_at_once == 5


def test_a_run_that_starts_very_many_has_one_place_more(ada, stage):
    made = stage(2, 16)
    root = ready(ada)
    children: list[str] = []

    def do(run_id: str) -> None:
        if run_id == root:
            children.extend(ready(ada, run_id) for _ in range(100))
            connection.close()
            made.wait_for(*children)

    made.do = do
    with made.working():
        made.wait_for(root)
    assert set(made.order) == {root, *children}
    assert made.most_at_once <= 3


def test_an_account_does_not_wait_for_the_chains_of_another_one(ada, ben, stage):
    """Two runs that start many hold both plain places; what another account asks for has its turn among these."""
    made = stage(2, 16)
    roots = [ready(ada), ready(ada)]
    children: list[str] = []
    guests: list[str] = []
    both = threading.Barrier(2, timeout=60)
    lock = threading.Lock()

    def do(run_id: str) -> None:
        if run_id in roots:
            both.wait()
            mine = [ready(ada, run_id) for _ in range(12)]
            with lock:
                children.extend(mine)
            connection.close()
            made.wait_for(*mine)
        elif run_id not in guests:
            with lock:
                if not guests:
                    guests.append(ready(ben))
                    connection.close()
            if len(made.order) > 8:  # of the 26; without a turn it would come last
                made.wait_for(*guests)

    made.do = do
    with made.working():
        made.wait_for(*roots, *guests)
    assert set(made.order) == {*roots, *children, *guests}
    assert made.most_at_once <= 5


def test_where_all_wait_for_runs_that_have_no_place_one_of_these_is_ended(ada, ben, stage, monkeypatch):
    monkeypatch.setattr(dispatch, "STUCK_SECONDS", 0.05)
    made = stage(2, 5)
    depths: dict[str, int] = {}

    def do(run_id: str) -> None:
        if run_id in others:
            return
        child = ready(ada, run_id)
        depths[child] = depths.get(run_id, 0) + 1
        connection.close()
        assert worker_waits_until(lambda: Run.objects.filter(pk=child, status__in=FINISHED).exists())

    others: list[str] = []
    made.do = do
    roots = [ready(ada), ready(ada)]
    with made.working():
        made.wait_for(*roots)
        others.append(ready(ben))
        made.wait_for(*others)
    failed = list(Run.objects.filter(status=JobStatus.FAILED))
    assert failed
    assert {run.status_message for run in failed} == {dispatch.STUCK}
    assert made.most_at_once <= 5


@pytest.fixture
def full(ada, stage, monkeypatch) -> tuple[Stage, list[str], list[float]]:
    """Two runs that hold all places and have each started two that have none, oldest first; and the time it is."""
    now = [0.0]
    monkeypatch.setattr(dispatch, "clock", lambda: now[0])
    made = stage(2, 2)
    for parent in ("a", "b"):
        made.places.take(parent)
    children = [
        ready(ada, parent, id=f"{number}{new_id()[1:]}") for number, parent in zip((7, 9, 8, 3), "abba", strict=True)
    ]
    return made, children, now


def look(made: Stage, now: list[float], seconds: float) -> None:
    now[0] += seconds
    made.dispatcher._take_next()


def find_failed() -> list[str]:
    return list(Run.objects.filter(status=JobStatus.FAILED).values_list("pk", flat=True))


def test_of_the_runs_without_a_place_the_newest_is_ended(full):
    made, children, now = full
    look(made, now, 0)
    look(made, now, dispatch.STUCK_SECONDS - 1)
    assert find_failed() == []
    look(made, now, 1)
    assert find_failed() == [children[-1]]


def test_runs_that_start_others_and_end_are_not_stuck(full, ada):
    made, _, now = full
    for number in range(5):
        look(made, now, 0)
        look(made, now, dispatch.STUCK_SECONDS - 1)
        made.places.leave("b" if number == 0 else f"b{number - 1}")
        made.places.take(f"b{number}")
        ready(ada, f"b{number}")
    assert find_failed() == []


def test_where_one_has_started_none_nothing_is_stuck(full):
    made, children, now = full
    Run.objects.filter(pk__in=children[1:3]).update(status=JobStatus.SUCCEEDED)
    for _ in range(3):
        look(made, now, dispatch.STUCK_SECONDS)
    assert find_failed() == []


def test_where_another_worker_is_alive_nothing_is_ended(full):
    made, children, now = full
    exposure.record_listening([exposure.WORKER], 1)
    ListeningAddress.objects.update(machine="elsewhere", process_space="elsewhere")
    for _ in range(4):
        look(made, now, dispatch.STUCK_SECONDS)
    assert find_failed() == []
    ListeningAddress.objects.all().delete()
    look(made, now, dispatch.STUCK_SECONDS)
    look(made, now, dispatch.STUCK_SECONDS)
    assert find_failed() == [children[-1]]
