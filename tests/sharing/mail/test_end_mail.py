"""The notice three days before access ends."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from resources.kinds import Kind
from resources.schedules import editing as schedules
from resources.schedules.actions import RunActor
from sharing import grant_notices, grants
from sharing.mail import share_mail
from sharing.models import Grant
from sharing.permissions import Permission
from sharing.visibility.labels import format_moment
from tests.support.clock import standing_at
from tests.support.factories import built_actor
from tests.support.organizations import acting, make_organization

READ, DAY, INSTANT = Permission.READ, timedelta(days=1), timedelta(microseconds=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def dataset(ada, make_resource):
    return make_resource(Kind.DATASET, ada, name="prices")


@pytest.fixture
def announce(django_capture_on_commit_callbacks):
    """Do the job at a moment, and return to whom emails went."""

    def announce_(moment) -> list[str]:
        mail.outbox.clear()
        with standing_at(moment), django_capture_on_commit_callbacks(execute=True):
            grant_notices.announce_ends()
        return [to for message in mail.outbox for to in message.to]

    return announce_


# When there is none


@pytest.mark.parametrize("end", [None, 1, 2])
def test_what_has_no_end_or_was_given_for_less_than_three_days(dataset, ada, ben, now, announce, end):
    with standing_at(now):
        grants.grant(dataset, ben, READ, by=ada.principal, expires_at=end and now + end * DAY)
    assert announce(now) == announce(now + DAY) == announce(now + 3 * DAY) == []


def test_not_earlier_and_not_after_the_end(dataset, ada, ben, now, announce):
    with standing_at(now):
        grants.grant(dataset, ben, READ, by=ada.principal, expires_at=now + 7 * DAY)
    assert announce(now + 4 * DAY - INSTANT) == []
    assert announce(now + 7 * DAY) == []


def test_none_to_an_account_that_wants_none_or_is_suspended_and_not_too_many(
    dataset, ada, ben, cleo, now, announce, monkeypatch
):
    for account in (ben, cleo):
        with standing_at(now):
            grants.grant(dataset, account, READ, by=ada.principal, expires_at=now + 7 * DAY)
    type(ben).objects.filter(pk=ben.pk).update(notify_when_shared=False)
    type(cleo).objects.filter(pk=cleo.pk).update(is_active=False)
    monkeypatch.setattr(share_mail, "_ABOUT_ACCESS", (10, 300, 1))
    assert announce(now + 5 * DAY) == ["ada@example.com"]


# When there is one


def test_the_owner_and_the_account_are_told_once_with_a_link_that_extends(dataset, ada, ben, now, announce):
    ends = now + 7 * DAY
    with standing_at(now):
        grants.grant(dataset, ben, READ, by=ada.principal, expires_at=ends)
    assert announce(now + 4 * DAY) == ["ada@example.com", "ben@example.com"]
    to_owner, to_ben = (str(message.body) for message in mail.outbox)
    assert f"ben can read until {format_moment(ends)}" in to_owner
    assert f"{dataset.console_url}/share/people/{ben.pk}/extend" in to_owner
    assert f"you can read until {format_moment(ends)}" in to_ben
    assert "extend\n" not in to_ben
    assert dataset.console_url in to_ben
    assert announce(now + 4 * DAY) == []


def test_an_end_that_is_moved_is_announced_again(dataset, ada, ben, now, announce):
    with standing_at(now):
        grants.grant(dataset, ben, READ, by=ada.principal, expires_at=now + 7 * DAY)
    assert len(announce(now + 5 * DAY)) == 2
    with standing_at(now + 5 * DAY):
        grants.extend(dataset, ben, by=ada.principal)
    assert announce(now + 5 * DAY) == []
    assert Grant.objects.get().expires_at == now + 37 * DAY
    assert len(announce(now + 35 * DAY)) == 2


def test_the_first_email_says_until_when(dataset, ada, ben, now, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        grants.grant(dataset, ben, READ, by=ada.principal, expires_at=now + 7 * DAY)
    assert f"You can read until {format_moment(now + 7 * DAY)}." in str(mail.outbox[0].body)


def test_workers_do_it(settings):
    assert settings.WORKER_CHORES["sharing.grant_notices.announce_ends"] == 60.0


def test_links_name_the_account_that_an_email_is_for(ada, ben, dan, make_resource, now, announce):
    acme = make_organization(ada)
    prices = make_resource(Kind.DATASET, acme, name="prices")
    with standing_at(now):
        grants.grant(prices, ben, READ, by=acting(ada, acme), expires_at=now + 7 * DAY)
    announce(now + 5 * DAY)
    to_owner, to_account = sorted(mail.outbox, key=lambda message: message.to)
    for text in (to_owner.body, to_owner.alternatives[0].content):
        assert f"/people/{ben.pk}/extend?account={acme.pk}" in text
    for text in (to_account.body, to_account.alternatives[0].content):
        assert f"{prices.console_url}?account={ben.pk}" in text


def test_links_to_schedules_that_stop_name_the_account(ada, dan, django_capture_on_commit_callbacks):
    acme = make_organization(ada)
    actor = built_actor(dan, name="finder", is_public=True)
    change = schedules.ScheduleChange(name="daily", actions=[RunActor(actor_id=actor.pk)])
    schedule = schedules.create(acme.pk, change, by=acting(ada, acme))
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        share_mail.email_approval_needed(actor, acme, [schedule])
    (message,) = mail.outbox
    for text in (message.body, message.alternatives[0].content):
        assert f"{schedule.console_url}?account={acme.pk}" in text
