"""A machine whose clock is wrong takes nothing from others, and others take nothing from it."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.deployment import exposure
from accounts.lib import database_clock
from accounts.mail import queue as email_queue
from accounts.models import ListeningAddress, OutgoingEmail
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import DiscardedFile
from resources.records import discarding
from resources.request_queues import clock
from resources.runs import starting
from resources.worker import leases
from sharing.schedules import firing
from tests.support.factories import built_actor

pytestmark = pytest.mark.django_db
NEARLY = timedelta(seconds=2)


@pytest.fixture(params=[600, -600])
def wrong_clock(request, monkeypatch):
    """Return what sets the clock of this machine ten minutes ahead or behind, from then on."""
    true_time, true_now = time.time, timezone.now

    def set_clock():
        monkeypatch.setattr(time, "time", lambda: true_time() + request.param)
        monkeypatch.setattr(timezone, "now", lambda: true_now() + timedelta(seconds=request.param))
        return true_now

    return set_clock


def test_the_time_of_the_database_stays_what_it_is(wrong_clock):
    before = database_clock.now()
    wrong_clock()
    assert before - NEARLY < database_clock.now() < before + NEARLY


def test_a_clock_that_is_right_takes_one_statement_for_many_answers(monkeypatch):
    database_clock.now()
    monkeypatch.setattr(database_clock, "seconds_ahead", lambda: pytest.fail("It is asked again."))
    assert abs(database_clock.now() - timezone.now()) < NEARLY


def test_the_runs_of_others_are_left_alone_and_those_of_this_machine_are_held(ada, dan, wrong_clock):
    actor = built_actor(dan, is_public=True)
    theirs, ours = (starting.start(actor, by=ada.principal) for _ in range(2))
    assert leases.claim(type(theirs), theirs.pk, "theirs")
    true_now = wrong_clock()
    assert leases.claim(type(ours), ours.pk, "ours")
    assert leases.reclaim_expired_leases("ours too") == 0
    for run in (theirs, ours):
        run.refresh_from_db()
        assert run.status == JobStatus.RUNNING
        assert true_now() < run.lease_expires_at < true_now() + timedelta(seconds=70)


def test_a_run_that_was_left_is_taken_all_the_same(ada, make_resource, wrong_clock):
    now = timezone.now()
    held = {"worker": "dead", "lease_expires_at": now - timedelta(seconds=30), "started_at": now - timedelta(hours=1)}
    make_resource(Kind.RUN, ada, status=JobStatus.RUNNING, **held)
    wrong_clock()
    assert leases.reclaim_expired_leases("ours") == 1


def test_what_is_not_due_waits(ada, wrong_clock):
    now = timezone.now()
    email = OutgoingEmail.objects.create(
        recipients=["ada@example.com"], subject="a", text="b", next_at=now + timedelta(minutes=5)
    )
    due = OutgoingEmail.objects.create(recipients=["ada@example.com"], subject="a", text="b", next_at=now - NEARLY)
    DiscardedFile.objects.create(file="a/b", at=now - timedelta(hours=5, minutes=55))
    wrong_clock()
    assert not email_queue.deliver(email.pk)
    assert email_queue.deliver(due.pk)
    assert discarding.delete_due() == 0
    assert firing.fire_due() == 0


def test_servers_and_workers_elsewhere_stay_known(wrong_clock):
    exposure.record_listening([exposure.WORKER], 1)
    ListeningAddress.objects.update(machine="elsewhere", process_space="elsewhere")
    assert exposure.has_worker()
    wrong_clock()
    assert exposure.has_worker()


def test_locks_of_requests_go_by_the_database(wrong_clock):
    true_now = wrong_clock()
    assert abs(clock.now() - true_now()) < NEARLY
