"""Several workers at one queue, and what each of them does besides."""

import io
import os
import signal
import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connections
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from resources.jobs.queue import queue_dispatch, queue_input_encryption
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import Run
from resources.sandbox import directories
from resources.worker import leases, maintenance, worker, worker_identity

MANY = 8


def in_threads(do, count: int = MANY) -> None:
    """Call `do` with each number, all at the same time."""
    barrier = threading.Barrier(count)
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            barrier.wait(30)
            do(number)
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_of_many_workers_one_takes_a_run(transactional_db, ada, make_resource):
    runs = [make_resource(Kind.RUN, ada).pk for _ in range(5)]
    taken: list[tuple[str, int]] = []

    def take(number: int) -> None:
        taken.extend((run, number) for run in runs if leases.claim(Run, run, f"worker-{number}"))

    in_threads(take)
    assert sorted(run for run, _ in taken) == sorted(runs)
    for run, number in taken:
        assert Run.objects.get(pk=run).worker == f"worker-{number}"


def test_of_many_workers_one_cares_for_a_dead_one(transactional_db, ada, make_resource):
    past = timezone.now() - timedelta(minutes=1)
    run = make_resource(Kind.RUN, ada, status=JobStatus.ABORTING, worker="dead", lease_expires_at=past, started_at=past)
    cared: list[int] = []
    in_threads(lambda number: cared.append(leases.reclaim_expired_leases(f"worker-{number}")))
    assert sorted(cared) == [0] * (MANY - 1) + [1]
    run.refresh_from_db()
    assert run.status == JobStatus.ABORTED


def test_a_worker_does_what_is_queued_each_once_and_ends_when_asked(
    transactional_db,
    database_queue,
    monkeypatch,
):
    done: list[str] = []
    all_done = threading.Event()

    def note(what: str) -> None:
        done.append(what)
        if len(done) == 2 * MANY:
            all_done.set()

    monkeypatch.setattr("resources.schedules.sealing.encrypt_saved_inputs", lambda ids: note(*ids))
    monkeypatch.setattr("resources.webhooks.delivery.deliver", note)
    monkeypatch.setattr(worker, "INTERVAL_SECONDS", 0.01)
    for number in range(MANY):
        queue_input_encryption(f"actor-{number}")
        queue_dispatch(f"dispatch-{number}")
    working = worker.Worker(3, 2)
    thread = threading.Thread(target=working.run)
    thread.start()
    try:
        assert all_done.wait(60)
    finally:
        working.stop()
        thread.join()
        worker_identity.stopping.clear()
    assert sorted(done) == sorted(f"{what}-{number}" for what in ("actor", "dispatch") for number in range(MANY))
    assert set(DBTaskResult.objects.values_list("status", flat=True)) == {"SUCCESSFUL"}


def test_a_chore_that_fails_keeps_no_other_from_being_done(monkeypatch):
    def broken() -> None:
        raise RuntimeError("broken")

    done: list[int] = []
    todo = maintenance.Chores([maintenance.Chore(broken, 5), maintenance.Chore(lambda: done.append(1), 10)])
    for now in (100, 104, 105, 109, 110):
        todo.do_what_is_due(now)
    assert len(done) == 2
    assert [chore.due_at for chore in todo._chores] == [115, 120]


@pytest.mark.django_db
def test_directories_of_what_is_over_are_removed(ada, make_resource):
    going_on = make_resource(Kind.RUN, ada, status=JobStatus.RUNNING)
    over = make_resource(Kind.RUN, ada, status=JobStatus.ABORTED)
    build = make_resource(Kind.BUILD, ada, status=JobStatus.SUCCEEDED)
    making = directories.build_directory(f"{build.pk}.abcd")
    kept = [directories.attempt_directory(going_on.pk), directories.build_directory(build.pk), making]
    left = [
        directories.attempt_directory(over.pk),
        directories.attempt_directory("a" * 17),
        directories.build_directory("a" * 17),
    ]
    for directory in (*kept, *left):
        directory.mkdir()
    maintenance.remove_left_directories()
    assert all(directory.is_dir() for directory in kept)
    assert not any(directory.exists() for directory in left)


def test_schedules_and_abandoned_jobs_do_not_wait_for_a_slow_chore(monkeypatch):
    begun, pressing_done, goes_on = threading.Event(), threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        assert goes_on.wait(60)

    def pressing() -> None:
        if begun.is_set():
            pressing_done.set()

    monkeypatch.setattr(maintenance, "urgent_chores", lambda name: [maintenance.Chore(pressing, 0)])
    monkeypatch.setattr(maintenance, "background_chores", lambda: [maintenance.Chore(slow, 60)])
    monkeypatch.setattr(worker, "CHORES_SECONDS", 0.01)
    working = worker.Worker(0, 0)
    thread = threading.Thread(target=working.run)
    thread.start()
    try:
        assert pressing_done.wait(60)
    finally:
        goes_on.set()
        working.stop()
        thread.join()
        worker_identity.stopping.clear()


@pytest.mark.django_db
def test_more_old_tasks_than_a_batch_are_forgotten_at_once(database_queue, monkeypatch):
    monkeypatch.setattr(maintenance, "BATCH", 2)
    for _ in range(5):
        queue_dispatch("a" * 17)
    DBTaskResult.objects.update(status="SUCCESSFUL", finished_at=timezone.now() - timedelta(days=4))
    assert maintenance.forget_tasks() == 5
    assert not DBTaskResult.objects.exists()


@pytest.mark.django_db
def test_old_tasks_are_forgotten(database_queue):
    for _ in range(3):
        queue_dispatch("a" * 17)
    old, recent, _ = DBTaskResult.objects.all()
    for task, days in ((old, 4), (recent, 1)):
        task.status, task.finished_at = "SUCCESSFUL", timezone.now() - timedelta(days=days)
        task.save()
    assert maintenance.forget_tasks() == 1
    assert not DBTaskResult.objects.filter(pk=old.pk).exists()


def test_a_worker_that_says_that_it_is_ready_ends_in_good_order_when_it_is_asked_to(db, monkeypatch):
    class Told(io.StringIO):
        def write(self, text: str) -> int:
            os.kill(os.getpid(), signal.SIGTERM)
            return super().write(text)

    ran = []
    monkeypatch.setattr(worker.Worker, "run", lambda self: ran.append(worker_identity.stopping.is_set()))
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, lambda *_: pytest.fail("It would be killed by this."))
    try:
        call_command("worker", stdout=Told())
    finally:
        worker_identity.stopping.clear()
        for number, handler in before.items():
            signal.signal(number, handler)
    assert ran == [True]
