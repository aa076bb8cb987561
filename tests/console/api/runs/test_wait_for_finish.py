"""Waiting for a job to finish: how long, how often it is looked at, and when it ends. Nothing here really sleeps."""

import pytest
from django.http import QueryDict
from django.test import RequestFactory

from accounts.lib.api_errors import ApiError
from accounts.models import ApiToken
from accounts.principal import ANONYMOUS
from console.api.runs import wait_for_finish
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import Run
from sharing.enforcement import reauthorize
from sharing.models import Grant
from tests.support.api import error_of

pytestmark = pytest.mark.django_db


class Clock:
    """A clock that goes on only while the code sleeps, and calls `then` after each pause."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self.then = lambda: None

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)
        self.then()


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(wait_for_finish, "clock", lambda: clock.now)
    monkeypatch.setattr(wait_for_finish, "sleep", clock.sleep)
    return clock


def asked(by=None, address="192.0.2.1"):
    """Return a request of an account, or an anonymous one, from an address."""
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    request.principal = by.principal if by else ANONYMOUS
    return request


def told(has_finished: bool) -> bool:
    """Answer with what one is told."""
    return has_finished


@pytest.mark.parametrize("text", ["-1", "ten", "1e3", "1,5", "nan", "inf", "\u0661"])
def test_what_is_no_number_of_seconds_is_refused(text):
    with pytest.raises(ApiError, match="waitForFinish"):
        wait_for_finish.seconds_to_wait(QueryDict(f"waitForFinish={text}"))


@pytest.mark.parametrize(("query", "seconds"), [("", 0), ("waitForFinish=2.5", 2.5), ("waitForFinish=999999", 60)])
def test_more_than_the_most_is_the_most(query, seconds):
    assert wait_for_finish.seconds_to_wait(QueryDict(query)) == seconds


def test_a_job_that_does_not_finish_is_waited_for_as_long_as_asked_and_seldom_looked_at(ada, make_resource, clock):
    run = make_resource(Kind.RUN, ada)

    assert wait_for_finish.when_finished(asked(), run, 60, told) is False

    assert sum(clock.pauses) == pytest.approx(60)
    assert clock.pauses[0] == 0.5
    assert len(clock.pauses) < 30


def test_a_job_is_what_it_is_in_the_end(ada, make_resource, clock):
    run = make_resource(Kind.RUN, ada)

    def finish() -> None:
        if len(clock.pauses) == 3:
            Run.objects.update(status=JobStatus.SUCCEEDED, exit_code=0)

    clock.then = finish

    assert wait_for_finish.when_finished(asked(), run, 60, told) is True
    assert (run.status, run.exit_code, len(clock.pauses)) == ("SUCCEEDED", 0, 3)


def test_a_finished_job_is_not_waited_for(ada, make_resource, clock, django_assert_num_queries):
    run = make_resource(Kind.RUN, ada, status=JobStatus.FAILED)

    with django_assert_num_queries(0):
        assert wait_for_finish.when_finished(asked(), run, 60, told) is True
    assert clock.pauses == []


def test_a_job_that_is_deleted_meanwhile_is_not_found(ada, make_resource, clock):
    run = make_resource(Kind.RUN, ada)
    clock.then = lambda: Run.objects.all().delete()

    with pytest.raises(ApiError) as refused:
        wait_for_finish.when_finished(asked(), run, 60, told)
    assert refused.value.status == 404


def test_a_client_that_has_gone_is_not_waited_for(ada, make_resource, clock, monkeypatch):
    run = make_resource(Kind.RUN, ada)
    monkeypatch.setattr(wait_for_finish, "is_connected", lambda request: len(clock.pauses) < 2)

    assert wait_for_finish.when_finished(asked(), run, 60, told) is False
    assert len(clock.pauses) == 2


# Who gets how many slots


def stay(*requests):
    """Take a place for each request for as long as the test goes on, and return which of them got one."""
    slots = [wait_for_finish.WaitSlot(request) for request in requests]
    _stayed.extend(slots)
    return [slot.is_taken for slot in slots]


_stayed: list[wait_for_finish.WaitSlot] = []


@pytest.fixture(autouse=True)
def everybody_leaves():
    yield
    while _stayed:
        _stayed.pop().leave()
    assert wait_for_finish.WaitSlot._taken == {}


def test_one_account_has_a_quarter_of_the_places_from_wherever_it_asks(ada, ben, settings):
    assert (settings.WAITING_THREADS, settings.WAITING_THREADS_OF_ONE) == (12, 3)
    assert stay(*(asked(ada, f"192.0.2.{number}") for number in range(5))) == [True, True, True, False, False]
    assert stay(asked(ben)) == [True]
    with pytest.raises(ApiError) as refused:
        wait_for_finish.enter(asked(ada))
    assert refused.value.status == 429
    _stayed[0].leave()
    _stayed[0].leave()
    assert stay(asked(ada), asked(ada)) == [True, False]


@pytest.mark.parametrize(
    ("addresses", "other"), [(["192.0.2.1"] * 4, "192.0.2.2"), ([f"2001:db8::{n}" for n in range(4)], "2001:db8:1::1")]
)
def test_those_who_are_nobody_have_so_many_for_each_address(addresses, other, ada):
    assert stay(*(asked(address=address) for address in addresses)) == [True, True, True, False]
    assert stay(asked(address=other), asked(ada, addresses[0])) == [True, True]


def test_all_together_have_no_more_than_there_are():
    others = [asked(address=f"192.0.2.{number}") for number in range(20)]
    assert stay(*others) == [True] * 12 + [False] * 8


def test_who_waits_too_often_is_answered_at_once(ada, make_resource, clock):
    run = make_resource(Kind.RUN, ada)
    stay(*(asked() for _ in range(3)))

    assert wait_for_finish.when_finished(asked(), run, 60, told) is False
    assert clock.pauses == []
    assert wait_for_finish.when_finished(asked(ada), run, 60, told) is False
    assert sum(clock.pauses) == pytest.approx(60)


# Access that is revoked while a client waits


def test_what_a_wait_ends_in_is_not_told_to_who_may_read_it_no_more(
    ada, ben, make_resource, give, api, clock, monkeypatch
):
    monkeypatch.setattr(reauthorize, "AT_ONCE_SECONDS", 0)
    ada.general_access = "RESTRICTED"
    ada.save()
    run = make_resource(Kind.RUN, ada)
    give(run, ben, "READ")
    path = f"/v2/actor-runs/{run.pk}"
    assert api(ben).get(path, {"waitForFinish": "1"}).status_code == 200

    clock.then = lambda: Grant.objects.all().delete()

    assert error_of(api(ben).get(path, {"waitForFinish": "1"})) == (403, "insufficient-permissions")


def test_a_token_that_is_revoked_ends_a_wait(ada, make_resource, api, clock, monkeypatch):
    monkeypatch.setattr(reauthorize, "AT_ONCE_SECONDS", 0)
    run = make_resource(Kind.RUN, ada)
    clock.then = lambda: ApiToken.objects.all().delete()

    refused = api(ada).get(f"/v2/actor-runs/{run.pk}", {"waitForFinish": "1"})

    assert error_of(refused) == (401, "user-or-token-not-found")
