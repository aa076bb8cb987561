"""Emails: whatever the mail server does, no request waits for it, and no email is lost."""

import re
import smtplib
from datetime import timedelta
from html import unescape

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.mail import queue
from accounts.mail.links import RESET_PASSWORD, PendingLink
from accounts.models import OutgoingEmail
from tests.support.silent_server import silent_server

pytestmark = pytest.mark.django_db
LINK = re.compile(r"http://localhost:8000(/\S+)")


class Refusing(BaseEmailBackend):
    """A mail server that raises `error`."""

    error: Exception = ConnectionRefusedError("no mail server for ada@example.com")

    def send_messages(self, messages):
        raise self.error


@pytest.fixture
def background(settings, database_queue):
    """Let emails wait for a worker, as in a deployment."""
    settings.EMAILS_LEAVE_IN_BACKGROUND = True


@pytest.fixture
def refusing(settings, monkeypatch):
    """Return a function that has the mail server raise something."""

    def refuse(error):
        settings.EMAIL_BACKEND = "tests.accounts.mail.test_queue.Refusing"
        monkeypatch.setattr(Refusing, "error", error)

    refuse(Refusing.error)
    return refuse


def ask_for_reset(account) -> None:
    response = Client().post(reverse("account_reset_password"), {"email": account.email})
    assert response.status_code == 302


def queued(text="Hello") -> OutgoingEmail:
    queue.send_on_commit(EmailMultiAlternatives("Hello", text, to=["ada@example.com"]))
    return OutgoingEmail.objects.latest("created_at")


# When it fails


def test_a_mail_server_that_hangs_holds_up_no_password_reset(ada, settings, background):
    with silent_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", server.port, False
        settings.EMAIL_TIMEOUT = 0.2
        ask_for_reset(ada)
        assert server.taken == []  # nothing of the request has to do with the mail server
        (email,) = OutgoingEmail.objects.all()
        assert not queue.deliver(email.pk)
        assert len(server.taken) == 1
    email.refresh_from_db()
    assert email.tries == 1
    assert email.next_at > timezone.now() + timedelta(seconds=50)


def test_one_that_fails_is_tried_again_in_growing_intervals_and_given_up_in_the_end(background, refusing, caplog):
    email = queued()
    pauses = []
    for _ in range(queue.MAX_TRIES):
        OutgoingEmail.objects.update(next_at=timezone.now())
        before = timezone.now()
        assert not queue.deliver(email.pk)
        pauses += [(each.next_at - before) / queue.FIRST_PAUSE for each in OutgoingEmail.objects.all()]
    assert [round(each) for each in pauses] == [2**number for number in range(queue.MAX_TRIES - 1)]
    assert not OutgoingEmail.objects.exists()
    assert "given up: Hello (ConnectionRefusedError)" in caplog.text
    assert "ada@example.com" not in caplog.text


@pytest.mark.parametrize(("code", "left"), [(550, 0), (450, 1)])
def test_a_recipient_that_the_mail_server_never_takes_is_given_up_at_once(background, refusing, code, left):
    refusing(smtplib.SMTPRecipientsRefused({"ada@example.com": (code, b"no such user")}))
    queue.deliver(queued().pk)
    assert OutgoingEmail.objects.count() == left


def test_one_whose_worker_died_is_queued_again(background):
    email = queued()
    DBTaskResult.objects.all().delete()
    assert queue.queue_overdue() == 0  # it may still be on its way
    OutgoingEmail.objects.update(next_at=timezone.now() - queue.OVERDUE)
    assert queue.queue_overdue() == 1
    assert [row.args_kwargs["args"] for row in DBTaskResult.objects.all()] == [[email.pk]]


def test_one_that_another_worker_tries_is_left_alone(background):
    email = queued()
    assert queue._claimed(email.pk, timezone.now()) is not None
    assert not queue.deliver(email.pk)
    assert mail.outbox == []


def test_what_is_rolled_back_sends_nothing(background):
    with transaction.atomic():
        queued()
        transaction.set_rollback(True)
    assert not OutgoingEmail.objects.exists()
    assert not DBTaskResult.objects.exists()


# The links in them


def test_no_table_holds_the_link_that_resets_a_password(ada, background):
    ask_for_reset(ada)
    (email,) = OutgoingEmail.objects.all()
    (task,) = DBTaskResult.objects.all()
    assert not LINK.search(email.text.replace("http://localhost:8000\n", "")), email.text
    assert task.args_kwargs["args"] == [email.pk]
    assert queue.deliver(email.pk)
    (message,) = mail.outbox
    path = next(each for each in LINK.findall(message.body) if "reset" in each)
    assert Client().get(path, follow=True).status_code == 200
    assert b"New password" in Client().get(path, follow=True).content
    assert not OutgoingEmail.objects.exists()


def test_the_link_that_verifies_an_email_is_made_when_it_is_sent(ada, background):
    address = EmailAddress.objects.create(user=ada, email="new@example.com", verified=False)
    address.send_confirmation(None)
    (email,) = OutgoingEmail.objects.all()
    assert "/verify" not in email.text
    assert queue.deliver(email.pk)
    (message,) = mail.outbox
    assert "link-" not in message.body


@pytest.mark.parametrize("change", ["suspended", "another email"])
def test_a_link_is_not_made_for_an_account_that_has_changed(ada, background, change):
    ask_for_reset(ada)
    if change == "suspended":
        ada.is_active = False
    else:
        EmailAddress.objects.filter(user=ada).delete()
        ada.email = "other@example.com"
    ada.save()
    assert queue.deliver(OutgoingEmail.objects.get().pk)
    assert mail.outbox == []
    assert not OutgoingEmail.objects.exists()


def test_the_link_is_escaped_in_html(ada, background):
    link = PendingLink(RESET_PASSWORD, ada.pk, ada.email, '/a?b=1&c="2"')
    message = EmailMultiAlternatives("Hello", f"see {link}", to=[ada.email])
    message.attach_alternative(f'<a href="{link}">here</a>', "text/html")
    queue.send_on_commit(message, link)
    queue.deliver(OutgoingEmail.objects.get().pk)
    (sent,) = mail.outbox
    (address,) = re.findall(r'href="([^"]*)"', sent.alternatives[0].content)
    assert unescape(address) == sent.body.removeprefix("see ")
