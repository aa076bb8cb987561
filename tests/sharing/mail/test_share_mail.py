"""The email to new grantees."""

import logging

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction

from resources.kinds import Kind
from sharing import grants
from sharing.issues import issues
from sharing.models import Issue
from sharing.permissions import Permission


def html_of(message) -> str:
    """The HTML part of an e-mail."""
    return str(message.alternatives[0].content)


class Broken(BaseEmailBackend):
    """A mail server that is not there."""

    def send_messages(self, messages):
        raise ConnectionRefusedError("no mail server")


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """What happens after the commit, which a test never reaches by itself."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def dataset(ada, make_resource):
    return make_resource(Kind.DATASET, ada, name="prices")


# When there is none


def test_a_change_of_permissions_sends_nothing(dataset, ben, give, committed):
    give(dataset, ben)
    with committed():
        give(dataset, ben, "WRITE")
    assert mail.outbox == []


def test_a_rolled_back_grant_sends_nothing(dataset, ben, give, committed):
    with committed(), transaction.atomic():
        give(dataset, ben)
        transaction.set_rollback(True)
    assert not dataset.grants.exists()
    assert mail.outbox == []


def test_nothing_is_sent_before_the_commit(dataset, ben, give):
    give(dataset, ben)
    assert mail.outbox == []


def test_whoever_does_not_want_it_gets_none(dataset, ben, give, committed):
    ben.notify_when_shared = False
    with committed():
        give(dataset, ben)
    assert mail.outbox == []


def test_a_broken_mail_server_costs_the_mail_and_not_the_access(dataset, ben, give, committed, settings, caplog):
    settings.EMAIL_BACKEND = "tests.sharing.mail.test_share_mail.Broken"
    with caplog.at_level(logging.WARNING), committed():
        give(dataset, ben)
    assert dataset.grants.get().account == ben
    assert "could not be sent" in caplog.text
    assert ben.email not in caplog.text


# When there is one


def test_it_leads_to_the_resource_and_says_who_and_what(dataset, ada, ben, committed, settings):
    settings.PUBLIC_URL = "https://latchkey.example"
    with committed():
        grants.grant(dataset, ben, Permission.WRITE, by=ada.principal)
    (message,) = mail.outbox
    assert message.to == ["ben@example.com"]
    assert message.subject == "ada shared the dataset prices with you"
    html = html_of(message)
    for text in (message.body, html):
        assert f"https://latchkey.example/storage/datasets/{dataset.pk}" in text
        assert "ada" in text
        assert "can read and write" in text


def test_the_html_escapes_what_people_named(ada, ben, make_resource, committed, give):
    actor = make_resource(Kind.ACTOR, ada, name="<b>bold</b>")
    with committed():
        give(actor, ben)
    (message,) = mail.outbox
    assert "<b>bold" not in html_of(message)
    assert "<b>bold</b>" in message.body


def test_a_name_with_line_breaks_cannot_add_headers(ada, ben, make_resource, committed, give):
    actor = make_resource(Kind.ACTOR, ada, name="x\nBcc: cleo@example.com")
    with committed():
        give(actor, ben)
    assert mail.outbox[0].subject == "ada shared the Actor x Bcc: cleo@example.com with you"


def test_a_run_attached_to_an_issue_tells_the_developer(ada, dan, make_resource, committed):
    actor = make_resource(Kind.ACTOR, dan, name="shop", is_public=True)
    run = make_resource(Kind.RUN, ada, actor=actor)
    issue = Issue.objects.create(actor=actor, author=ada, title="Prices missing")
    with committed():
        issues.attach_run(issue, run, by=ada.principal)
    assert [message.to for message in mail.outbox] == [["dan@example.com"]]
