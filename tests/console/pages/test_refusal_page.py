"""The page for a resource that the user may not see, and asking for access from there."""

import re
from html import unescape
from typing import Any

import pytest
from django.core import mail

from accounts.models import AuditEvent
from console.pages.sharing import access_requests
from resources import storages
from resources.kinds import KINDS, Kind

MISSING = "0" * 17


@pytest.fixture
def secret(ada, make_resource):
    return make_resource(Kind.DATASET, ada, name="secret", general_access="RESTRICTED")


@pytest.fixture
def ask(django_capture_on_commit_callbacks):
    def ask_(client, page: str, **options):
        with django_capture_on_commit_callbacks(execute=True):
            return client.post("/ask-for-access", {"page": page}, **options)

    return ask_


def shown(response) -> str:
    """The page without what differs from request to request anyway."""
    return re.sub(r'(name="csrfmiddlewaretoken" value=|"X-CSRFToken": )[^>]*', "", response.content.decode())


# Refusals


def test_nobody_asks(client, secret, db):
    assert client.post("/ask-for-access", {"page": secret.console_path}).status_code == 302
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    "page", ["", "https://example.com/", "//example.com/x", "javascript:alert(1)", "\x00", "/v2/datasets"]
)
def test_asking_leads_nowhere_else(page, ben, signed_in, ask):
    response = ask(signed_in(ben), page)
    assert response.status_code == 302
    assert response["Location"] in ("/", "/v2/datasets")
    assert not AuditEvent.objects.exists()


def test_asking_too_often_is_refused(ben, secret, signed_in, ask, monkeypatch):
    monkeypatch.setattr(access_requests, "LIMIT", 1)
    client = signed_in(ben)
    ask(client, f"/storage/datasets/{MISSING}")
    response = ask(client, secret.console_path, follow=True)
    assert "You have asked for access many times." in response.content.decode()
    assert mail.outbox == []


def test_asking_twice_for_the_same_bothers_the_owner_once(ben, secret, signed_in, ask):
    client = signed_in(ben)
    for _ in range(3):
        ask(client, secret.console_path)
    assert len(mail.outbox) == 1
    assert AuditEvent.objects.filter(action="access.requested").count() == 1


def test_who_can_read_it_anyway_asks_nobody(ben, secret, give, signed_in, ask):
    give(secret, ben)
    ask(signed_in(ben), secret.console_path)
    assert mail.outbox == []


# What works


@pytest.mark.parametrize("kind", list(Kind))
def test_missing_and_not_shared_look_the_same(kind, ada, ben, make_resource, signed_in):
    ada.general_access = "RESTRICTED"
    ada.save()
    resource = make_resource(kind, ada)
    client = signed_in(ben)
    there = client.get(resource.console_path)
    missing = client.get(f"/{KINDS[kind].console_path}/{MISSING}")
    assert there.status_code == missing.status_code == 404
    assert shown(there).replace(resource.pk, MISSING) == shown(missing)
    text = unescape(there.content.decode())
    assert f"This {KINDS[kind].noun} does not exist or is not shared with you" in text
    assert "You are signed in as <strong>ben</strong> (ben@example.com)." in text


def test_switching_account_leads_through_sign_in_and_back(ben, secret, signed_in):
    client = signed_in(ben)
    form = client.get(secret.console_path).content.decode()
    (next_,) = map(unescape, re.findall(r'name="next" value="([^"]+)"', form))
    response = client.post("/sign-out", {"next": next_})
    assert response["Location"] == f"/sign-in?next=%2Fstorage%2Fdatasets%2F{secret.pk}"
    assert client.get(secret.console_path).status_code == 302


def test_asking_says_the_same_whether_it_exists_or_not(ben, secret, signed_in, ask):
    client = signed_in(ben)
    answers = [
        shown(ask(client, page, follow=True)).replace(secret.pk, MISSING)
        for page in (secret.console_path, f"/storage/datasets/{MISSING}")
    ]
    assert answers[0] == answers[1]
    assert "Request sent. If it exists, its owner will get an email." in answers[0]


def test_the_owner_gets_a_link_to_where_it_can_be_given(ada, ben, secret, signed_in, ask, settings):
    settings.PUBLIC_URL = "https://latchkey.example"
    ask(signed_in(ben), secret.console_path)
    message: Any = mail.outbox[0]
    assert message.to == ["ada@example.com"]
    assert message.subject == "ben asks for access to your dataset secret"
    link = f"https://latchkey.example{secret.console_path}/share?add=ben"
    assert link in message.body
    assert link in message.alternatives[0].content
    event = AuditEvent.objects.get(action="access.requested")
    assert (event.account_id, event.actor_id, event.subject_id) == (ada.pk, ben.pk, secret.pk)


def test_by_name_too(ben, secret, signed_in, ask):
    ask(signed_in(ben), "/storage/datasets/ada~secret?view=json")
    assert len(mail.outbox) == 1


def test_who_may_read_but_not_do_it_is_told_what_is_missing(ben, secret, give, signed_in):
    give(secret, ben)
    response = signed_in(ben).post(f"{secret.console_path}/share", {"who": "cleo"})
    assert response.status_code == 403
    assert "It needs the permission “Manage access”" in response.content.decode()


def test_who_owned_or_deleted_it_is_told_that_it_is_gone(ada, ben, cleo, give, make_resource, signed_in):
    gone = make_resource(Kind.DATASET, ada, name="prices")
    give(gone, ben, "WRITE")
    give(gone, cleo)
    path = gone.console_path
    storages.delete(gone, by=ben.principal)
    for account, told in ((ada, True), (ben, True), (cleo, False)):
        response = signed_in(account).get(path)
        assert response.status_code == 404
        assert ("has been deleted already" in response.content.decode()) is told
        assert ("does not exist or is not shared with you" in response.content.decode()) is not told
