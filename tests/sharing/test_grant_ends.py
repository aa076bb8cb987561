"""Grants that end: until when they may be given, what the trail says, and what the job forgets."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import AuditEvent
from accounts.principal import Principal
from resources.kinds import Kind
from sharing import grant_lifecycle, grants
from sharing.access import decide
from sharing.facts import load_facts
from sharing.models import Grant
from sharing.overview import overview
from sharing.permissions import Permission
from tests.support.api import data_of, send
from tests.support.clock import standing_at

READ, WRITE, MANAGE = Permission.READ, Permission.WRITE, Permission.MANAGE_ACCESS_RIGHTS
DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)


@pytest.fixture
def dataset(ada, make_resource):
    return make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")


@pytest.fixture
def now():
    return timezone.now()


def may(resource, account, permission=READ) -> bool:
    return decide(account.principal, load_facts(resource, account.pk), permission).allowed


def lines() -> list[tuple[str, object]]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", "at"))


# Refusals


@pytest.mark.parametrize("before", [timedelta(), INSTANT, DAY])
def test_an_end_that_is_past_is_refused(dataset, ada, ben, now, before):
    with standing_at(now), pytest.raises(grants.UnsupportedEnd, match="future"):
        grants.grant(dataset, ben, READ, by=ada.principal, expires_at=now - before)
    assert not Grant.objects.exists()
    assert lines() == []


def test_a_manager_gives_nothing_beyond_the_end_of_its_own_grant(dataset, ada, ben, cleo, now):
    ends = now + DAY
    grants.grant(dataset, ben, READ | MANAGE, by=ada.principal, expires_at=ends)
    for beyond in (None, ends + INSTANT):
        with pytest.raises(grants.BeyondOwnEnd, match="longer than you have it"):
            grants.grant(dataset, cleo, READ, by=ben.principal, expires_at=beyond)
        with pytest.raises(grants.BeyondOwnEnd):
            grants.add(dataset, cleo, READ, by=ben.principal, expires_at=beyond)
    assert not Grant.objects.filter(account=cleo).exists()
    grants.grant(dataset, cleo, READ, by=ben.principal, expires_at=ends)
    for beyond in (None, ends + INSTANT):
        with pytest.raises(grants.BeyondOwnEnd):
            grants.change(dataset, cleo, None, by=ben.principal, expires_at=beyond)
    assert Grant.objects.get(account=cleo).expires_at == ends


def test_a_manager_extends_only_what_it_holds_and_shortens_anything(dataset, ada, ben, cleo, now):
    grants.grant(dataset, ben, READ | MANAGE, by=ada.principal)
    grants.grant(dataset, cleo, READ | WRITE, by=ada.principal, expires_at=now + DAY)
    with pytest.raises(grants.BeyondOwnPermissions, match="WRITE"):
        grants.change(dataset, cleo, None, by=ben.principal, expires_at=now + 2 * DAY)
    assert grants.change(dataset, cleo, None, by=ben.principal, expires_at=now + DAY / 2)
    assert grants.change(dataset, cleo, READ, by=ben.principal, expires_at=None)
    kept = Grant.objects.get(account=cleo)
    assert (kept.permissions, kept.expires_at) == (READ, None)


def test_a_manager_adds_nothing_to_a_grant_that_lasts_longer_than_its_own(dataset, ada, ben, cleo, now):
    grants.grant(dataset, ben, READ | WRITE | MANAGE, by=ada.principal, expires_at=now + DAY)
    grants.grant(dataset, cleo, READ, by=ada.principal)
    with pytest.raises(grants.BeyondOwnEnd):
        grants.grant(dataset, cleo, READ | WRITE, by=ben.principal)
    assert Grant.objects.get(account=cleo).permissions == READ


def test_grantees_cannot_extend_their_own_access(dataset, ada, ben, now):
    grants.grant(dataset, ben, READ | MANAGE, by=ada.principal, expires_at=now + DAY)
    with pytest.raises(grants.BeyondOwnPermissions, match="not change it"):
        grants.change(dataset, ben, None, by=ben.principal, expires_at=None)


def test_what_has_ended_cannot_be_changed_or_revoked_and_nobody_manages_by_it(dataset, ada, ben, cleo, now):
    grants.grant(dataset, ben, READ | MANAGE, by=ada.principal, expires_at=now + DAY)
    with standing_at(now + DAY):
        assert grants.change(dataset, ben, READ, by=ada.principal) is None
        assert grants.revoke(dataset, ben, by=ada.principal) == []
        with pytest.raises(grants.BeyondOwnPermissions):
            grants.grant(dataset, cleo, READ, by=ben.principal, expires_at=now + 2 * DAY)


# What holds


def test_a_grant_counts_until_its_end_and_not_at_it(dataset, ada, ben, now):
    grants.grant(dataset, ben, READ | WRITE, by=ada.principal, expires_at=now + DAY)
    for moment, counts in ((now + DAY - INSTANT, True), (now + DAY, False), (now + DAY + INSTANT, False)):
        with standing_at(moment):
            assert may(dataset, ben) is may(dataset, ben, WRITE) is counts
            assert [right.username for right in overview(load_facts(dataset, None)).items] == ["ben"] * counts


def test_ended_grants_are_seen_for_thirty_days(dataset, ada, ben, now):
    grants.grant(dataset, ben, READ, by=ada.principal, expires_at=now + DAY)
    for moment, shown in ((DAY - INSTANT, 0), (DAY, 1), (31 * DAY - INSTANT, 1), (31 * DAY, 0)):
        with standing_at(now + moment):
            assert len(overview(load_facts(dataset, None)).ended) == shown


def test_without_an_end_the_one_that_there_is_stays(dataset, ada, ben, now):
    grants.grant(dataset, ben, READ, by=ada.principal, expires_at=now + DAY)
    kept, is_new = grants.grant(dataset, ben, READ | WRITE, by=ada.principal)
    assert (kept.expires_at, is_new) == (now + DAY, False)
    grants.grant(dataset, ben, READ | WRITE, by=ada.principal, expires_at=now + DAY)
    assert [action for action, _ in lines()] == ["grant.created", "grant.changed"]
    grants.grant(dataset, ben, READ | WRITE, by=ada.principal, expires_at=None)
    details = AuditEvent.objects.order_by("pk").last().details
    assert (details["expiredAt"], details["expiresAt"]) == ((now + DAY).isoformat(), None)


def test_what_is_put_back_ends_when_it_would_have(dataset, ada, ben, now):
    grants.grant(dataset, ben, READ, by=ada.principal, expires_at=now + DAY)
    removed = grants.revoke(dataset, ben, by=ada.principal)
    with standing_at(now + DAY), pytest.raises(grants.CannotPutBack, match="ended"):
        grants.put_back(dataset, ben, removed, by=ada.principal)
    grants.put_back(dataset, ben, removed, by=ada.principal)
    assert Grant.objects.get().expires_at == now + DAY


# The trail


def test_the_end_is_a_line_dated_with_its_moment_written_once(dataset, ada, ben, now):
    grants.grant(dataset, ben, READ | WRITE, by=ada.principal, expires_at=now + DAY)
    with standing_at(now + DAY - INSTANT):
        assert grant_lifecycle.record_ends() == 0
    with standing_at(now + 2 * DAY):
        assert [grant_lifecycle.record_ends() for _ in range(2)] == [1, 0]
    line = AuditEvent.objects.get(action="grant.ended")
    assert (line.at, line.account_id, line.subject_id, line.actor_id) == (now + DAY, ada.pk, dataset.pk, "")
    assert line.details == {
        "name": "prices",
        "grantee": {"id": ben.pk, "username": "ben"},
        "before": ["READ", "WRITE"],
        "after": [],
    }


@pytest.mark.parametrize("is_recorded", [True, False])
def test_what_has_ended_is_given_again_as_new(dataset, ada, ben, now, django_capture_on_commit_callbacks, is_recorded):
    """Its end is a line, before that by which it is given again, whether or not the job was there first."""
    grants.grant(dataset, ben, READ, by=ada.principal, expires_at=now + DAY)
    with standing_at(now + 2 * DAY), django_capture_on_commit_callbacks(execute=True):
        if is_recorded:
            grant_lifecycle.record_ends()
        kept, is_new = grants.grant(dataset, ben, READ, by=ada.principal)
        assert (is_new, kept.expires_at, kept.created_at) == (True, None, now + 2 * DAY)
        assert may(dataset, ben)
        assert grant_lifecycle.record_ends() == 0
    assert [action for action, _ in lines()] == ["grant.created", "grant.ended", "grant.created"]
    assert AuditEvent.objects.get(action="grant.ended").at == now + DAY
    assert len(mail.outbox) == 1


def test_a_line_that_is_written_while_a_user_asks_for_something_names_no_client(dataset, ada, ben, now, api):
    grants.grant(dataset, ben, READ, by=ada.principal, expires_at=now + DAY)
    Grant.objects.update(expires_at=now)
    data_of(send(api(ada), "PUT", f"/v2/datasets/{dataset.pk}/access-rights/ben", {"permissions": ["READ"]}))
    assert "ip" in AuditEvent.objects.filter(action="grant.created").last().details
    assert "ip" not in AuditEvent.objects.get(action="grant.ended").details


def test_an_end_that_is_moved_has_one_line_where_it_came(dataset, ada, ben, now):
    grants.grant(dataset, ben, READ, by=ada.principal, expires_at=now + DAY)
    grants.grant(dataset, ben, READ, by=ada.principal, expires_at=now + 3 * DAY)
    with standing_at(now + 2 * DAY):
        assert grant_lifecycle.record_ends() == 0
        assert may(dataset, ben)
    with standing_at(now + 4 * DAY):
        assert grant_lifecycle.record_ends() == 1
    assert AuditEvent.objects.get(action="grant.ended").at == now + 3 * DAY


def test_what_is_not_shown_any_more_is_forgotten(dataset, ada, ben, cleo, now):
    grants.grant(dataset, ben, READ, by=ada.principal, expires_at=now + DAY)
    grants.grant(dataset, cleo, READ, by=ada.principal)
    with standing_at(now + DAY):
        grant_lifecycle.record_ends()
    for moment, left in ((31 * DAY - INSTANT, 2), (31 * DAY, 1)):
        with standing_at(now + moment):
            grant_lifecycle.record_ends()
        assert Grant.objects.count() == left
    assert AuditEvent.objects.filter(action="grant.ended").count() == 1


def test_the_job_goes_on_where_there_is_more_than_it_does_at_once(dataset, ada, ben, cleo, now, monkeypatch):
    monkeypatch.setattr(grant_lifecycle, "MOST", 1)
    for account in (ben, cleo):
        grants.grant(dataset, account, READ, by=ada.principal, expires_at=now + DAY)
    with standing_at(now + DAY):
        assert [grant_lifecycle.record_ends() for _ in range(3)] == [1, 1, 0]


def test_workers_do_it(settings):
    assert settings.WORKER_CHORES["sharing.grant_lifecycle.record_ends"] == 60.0


# One moment for each request


def test_a_request_is_judged_at_one_moment(dataset, ada, ben, now, api, monkeypatch):
    """A grant that ends while a list is made counts for all of it: its rows and its total."""
    grants.grant(dataset, ben, READ, by=ada.principal, expires_at=now + DAY)
    client, moments = api(ben), iter([now, *[now + 2 * DAY] * 1000])
    monkeypatch.setattr("accounts.request_context.timezone", SimpleNamespace(now=lambda: next(moments)))
    assert data_of(client.get(f"/v2/datasets/{dataset.pk}/access?permission=READ"))["allowed"] is True


def test_who_acts_without_an_account_is_named_as_no_account_can_be():
    assert " " in grant_lifecycle.BY_ITSELF.username
    assert Principal(username="Latchkey itself") == grant_lifecycle.BY_ITSELF
