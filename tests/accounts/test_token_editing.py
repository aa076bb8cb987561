"""API tokens: changed, rotated, and what is refused about them. No test waits: the clock is passed in."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import token_editing, tokens
from accounts.models import ApiToken, AuditEvent, FormerTokenText
from accounts.principal import Scope, ScopeEntry
from accounts.token_editing import GRACE, EndsTooLate, LastFullToken, TokenGone
from sharing.mail.token_mail import warn_of_ends

pytestmark = pytest.mark.django_db
READ_DATASETS = [{"kind": "dataset", "permissions": ["READ"], "resourceId": None}]


@pytest.fixture
def made(ada):
    return tokens.create(ada, "ci", by=ada.principal)


def is_known(text: str, **clock) -> bool:
    try:
        return bool(tokens.resolve(text, **clock).account_id)
    except tokens.UnknownToken:
        return False


# Rotating


def test_the_former_text_works_for_24_hours_and_not_a_moment_longer(ada, made):
    token, before = made
    now = timezone.now()
    after = token_editing.rotate(token, by=ada.principal, at_once=False, now=now)
    assert after != before
    assert tokens.resolve(before).token_id == tokens.resolve(after).token_id == token.pk
    assert is_known(before, now=now + GRACE - timedelta(seconds=1))
    assert not is_known(before, now=now + GRACE)
    assert is_known(after, now=now + GRACE)


def test_the_former_text_can_end_at_once_with_those_of_before(ada, made):
    token, first = made
    second = token_editing.rotate(token, by=ada.principal, at_once=False)
    third = token_editing.rotate(token, by=ada.principal, at_once=False)
    assert [is_known(each) for each in (first, second, third)] == [True, True, True]
    fourth = token_editing.rotate(token, by=ada.principal, at_once=True)
    assert [is_known(each) for each in (first, second, third, fourth)] == [False, False, False, True]
    assert not FormerTokenText.objects.exists()


def test_a_second_rotation_does_not_give_the_first_text_more_time(ada, made):
    token, first = made
    now = timezone.now()
    token_editing.rotate(token, by=ada.principal, at_once=False, now=now)
    token_editing.rotate(token, by=ada.principal, at_once=False, now=now + GRACE / 2)
    assert not is_known(first, now=now + GRACE)


def test_revoking_and_suspending_end_both_texts(ada, made):
    token, before = made
    after = token_editing.rotate(token, by=ada.principal, at_once=False)
    ada.is_active = False
    ada.save()
    assert not is_known(before) and not is_known(after)  # noqa: PT018  # one thing that is so
    ada.is_active = True
    ada.save()
    tokens.revoke(token, by=ada.principal)
    assert not is_known(before) and not is_known(after)  # noqa: PT018


def test_the_end_of_a_token_ends_both_texts(ada, made):
    token, before = made
    after = token_editing.rotate(token, by=ada.principal, at_once=False)
    ApiToken.objects.update(expires_at=timezone.now())
    assert not is_known(before) and not is_known(after)  # noqa: PT018


def test_the_former_texts_can_be_ended_afterwards(ada, made):
    token, before = made
    after = token_editing.rotate(token, by=ada.principal, at_once=False)
    assert token_editing.end_former_texts(token, by=ada.principal)
    assert [is_known(before), is_known(after)] == [False, True]
    assert not token_editing.end_former_texts(token, by=ada.principal)


def test_a_current_text_costs_one_statement(ada, made):
    token, before = made
    after = token_editing.rotate(token, by=ada.principal, at_once=False)
    for text, statements in ((after, 1), (before, 2)):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            tokens.resolve(text)
        assert len(queries) == statements


def test_no_text_is_kept(ada, made):
    token, before = made
    after = token_editing.rotate(token, by=ada.principal, at_once=False)
    rows = [{**row, "digest": bytes(row["digest"])} for row in FormerTokenText.objects.values()]
    kept = f"{rows}{list(AuditEvent.objects.values())}"
    assert before not in kept
    assert after not in kept
    assert AuditEvent.objects.last().action == "token.rotated"


def test_a_rotated_text_has_the_scope_of_now(ada, made):
    token, before = made
    token_editing.rotate(token, by=ada.principal, at_once=False)
    token_editing.update(token, replace(token_editing.settings_of(token), scope=READ_DATASETS), by=ada.principal)
    assert tokens.resolve(before).scope.entries == (ScopeEntry("dataset", frozenset({"READ"})),)


def test_a_revoked_token_is_neither_changed_nor_rotated(ada, made):
    token, _ = made
    tokens.revoke(token, by=ada.principal)
    with pytest.raises(TokenGone):
        token_editing.rotate(token, by=ada.principal, at_once=True)
    with pytest.raises(TokenGone):
        token_editing.update(token, token_editing.TokenSettings("new"), by=ada.principal)
    assert AuditEvent.objects.last().action == "token.revoked"


# Changing


def test_all_of_a_token_can_be_changed(ada, made):
    token, text = made
    end = timezone.now() + timedelta(days=30)
    wanted = token_editing.TokenSettings("nightly", "Reads prices.", READ_DATASETS, True, "FULL", end)
    token_editing.update(token, wanted, by=ada.principal)
    assert token_editing.settings_of(ApiToken.objects.get()) == wanted
    scope = tokens.resolve(text).scope
    assert scope == Scope(
        (ScopeEntry("dataset", frozenset({"READ"})),),
        token.pk,
        "nightly",
        default_run_storages=True,
        restricts_runs=False,
    )
    line = AuditEvent.objects.last()
    assert (line.action, line.details["before"]["name"], line.details["after"]["name"]) == (
        "token.changed",
        "ci",
        "nightly",
    )


def test_what_does_not_change_leaves_no_line(ada, made):
    token, _ = made
    token_editing.update(token, token_editing.settings_of(token), by=ada.principal)
    assert AuditEvent.objects.last().action == "token.created"


def test_a_token_does_not_take_the_account_from_the_last_that_has_it(ada, made):
    token, text = made
    narrowed = replace(token_editing.settings_of(token), scope=READ_DATASETS)
    by = tokens.resolve(text)
    tokens.create(ada, "ended", by=ada.principal, expires_at=timezone.now())
    tokens.create(ada, "scoped", by=ada.principal, scope=READ_DATASETS)
    with pytest.raises(LastFullToken):
        token_editing.update(token, narrowed, by=by)
    tokens.create(ada, "another", by=ada.principal)
    token_editing.update(token, narrowed, by=by)
    assert tokens.resolve(text).scope is not None


def test_in_the_console_the_last_one_can_be_narrowed(ada, made):
    token, text = made
    token_editing.update(token, replace(token_editing.settings_of(token), scope=READ_DATASETS), by=ada.principal)
    assert tokens.resolve(text).scope is not None


def test_a_token_that_ends_does_not_outlive_itself(ada, made):
    lasting, _ = made
    soon = timezone.now() + timedelta(days=10)
    ending, text = tokens.create(ada, "ending", by=ada.principal, expires_at=soon)
    by = tokens.resolve(text)
    with pytest.raises(EndsTooLate):
        token_editing.update(ending, replace(token_editing.settings_of(ending), expires_at=None), by=by)
    with pytest.raises(EndsTooLate):
        token_editing.rotate(lasting, by=by, at_once=False)
    with pytest.raises(EndsTooLate):
        token_editing.check_end(soon + timedelta(seconds=1), by)
    token_editing.rotate(ending, by=by, at_once=False)


# Last used


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("ApifyClient/1.8.1 (linux; Python/3.11.4); isAtHome/False", "Apify client for Python on Linux"),
        ("ApifyClient/2.9.3 (Darwin; Node/v18.0.0); isAtHome/undefined", "Apify client for JavaScript on macOS"),
        ("curl/8.5.0", "curl 8.5.0"),
        ("python-requests/2.31.0", "python-requests 2.31.0"),
        ("Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/128.0", "Firefox on Windows"),
        ("", ""),
        ("/", ""),
        ("\x00ü", ""),
        ("x" * 5000, "x" * 40),
    ],
)
def test_the_program_that_used_a_token_last_is_named(made, header, name):
    _, text = made
    tokens.resolve(text, user_agent="something else/1.0")
    tokens.resolve(text, user_agent=header)
    assert ApiToken.objects.get().last_used_by == ""
    tokens.last_use.flush()
    assert ApiToken.objects.get().last_used_by == name


def test_the_name_of_the_program_comes_from_the_request(ada, api):
    api(ada).get("/v2/datasets", headers={"User-Agent": "curl/8.5.0"})
    tokens.last_use.flush()
    assert list(ApiToken.objects.values_list("last_used_by", flat=True)) == ["curl 8.5.0"]


# The warning before the end


def test_the_owner_is_written_to_three_days_before_the_end_and_once(ada, django_capture_on_commit_callbacks):
    now = timezone.now()
    token, _ = tokens.create(ada, "nightly", by=ada.principal, expires_at=now + timedelta(days=30))
    assert warn_of_ends(now + timedelta(days=26)) == 0
    with django_capture_on_commit_callbacks(execute=True):
        assert warn_of_ends(now + timedelta(days=28)) == 1
        assert warn_of_ends(now + timedelta(days=29)) == 0
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == ([ada.email], "The API token nightly ends soon")
    assert f"/settings/integrations/{token.pk}" in sent.body
    later = replace(token_editing.settings_of(token), expires_at=now + timedelta(days=60))
    token_editing.update(token, later, by=ada.principal)
    assert warn_of_ends(now + timedelta(days=29)) == 0
    assert warn_of_ends(now + timedelta(days=58)) == 1


def test_no_one_is_written_to_of_what_has_ended_or_was_to_end_soon(ada, ben):
    now = timezone.now()
    revoked, _ = tokens.create(ada, "revoked", by=ada.principal, expires_at=now + timedelta(days=30))
    tokens.revoke(revoked, by=ada.principal)
    tokens.create(ada, "short", by=ada.principal, expires_at=now + timedelta(days=1))
    tokens.create(ben, "of a suspended account", by=ben.principal, expires_at=now + timedelta(days=30))
    ben.is_active = False
    ben.save()
    assert warn_of_ends(now) == warn_of_ends(now + timedelta(days=28)) == warn_of_ends(now + timedelta(days=31)) == 0
    assert mail.outbox == []
