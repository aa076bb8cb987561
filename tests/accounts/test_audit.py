"""The audit trail: in the transaction of the change, and there for good."""

import pytest
from django.db import transaction

from accounts import audit, preferences, tokens
from accounts.models import ApiToken, AuditEvent
from accounts.principal import ANONYMOUS, Principal
from sharing import general_access


@pytest.mark.django_db(transaction=True)
def test_a_row_outside_a_transaction_is_refused(ada):
    with pytest.raises(transaction.TransactionManagementError):
        audit.record("sign_in", by=ANONYMOUS, account_id=ada.pk)
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        lambda ada: tokens.create(ada, "crawler", by=ada.principal),
        lambda ada: preferences.set_email(ada, "notify_when_shared", False, by=ada.principal),
        lambda ada: general_access.set_for_account(ada, "RESTRICTED", by=ada.principal),
        lambda ada: general_access.set_run_sharing(ada, True, by=ada.principal),
    ],
    ids=["token", "notifications", "general access", "run sharing"],
)
def test_a_change_without_its_row_does_not_happen(ada, change, monkeypatch):
    monkeypatch.setattr("accounts.audit.AuditEvent.objects.create", lambda **row: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        change(ada)
    before = (ada.general_access, False, True)
    ada.refresh_from_db()
    assert (ada.general_access, ada.share_runs_with_actor_creators, ada.notify_when_shared) == before
    assert not ApiToken.objects.exists()


@pytest.mark.django_db
def test_a_row_says_who_did_it_and_with_what(ada):
    by = Principal(ada.pk, ada.username, ada.email, token_id="t" * 17)
    tokens.create(ada, "crawler", by=by)
    row = AuditEvent.objects.get()
    assert (row.actor_id, row.actor_username, row.token_id, row.account_id) == (ada.pk, "ada", "t" * 17, ada.pk)


@pytest.mark.django_db
def test_rows_outlive_the_account(ada):
    account_id = ada.pk
    tokens.create(ada, "crawler", by=ada.principal)
    ada.delete()
    assert not ApiToken.objects.exists()
    assert AuditEvent.objects.get().account_id == account_id


@pytest.mark.django_db
def test_what_changes_nothing_leaves_no_row(ada, token_of):
    token_of(ada)
    token = ApiToken.objects.get()
    tokens.revoke(token, by=ada.principal)
    AuditEvent.objects.all().delete()
    tokens.revoke(token, by=ada.principal)
    assert not preferences.set_email(ada, "notify_when_shared", True, by=ada.principal)
    assert not general_access.set_for_account(ada, "ANYONE_WITH_ID_CAN_READ", by=ada.principal)
    assert not AuditEvent.objects.exists()
