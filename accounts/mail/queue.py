"""Emails wait in a table until a worker has given them to the mail server, and are tried again when it fails.

No response waits for a mail server, and none is lost when a process ends. The worker that moves `next_at` on has the
try to itself; when it dies over it, the claim runs out and the email is tried again, so that one may come twice, and
never not at all. One that was sent is deleted.
"""

import logging
import smtplib
from datetime import datetime, timedelta
from functools import partial
from html import escape

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import transaction
from django_tasks import task

from accounts.lib import database_clock
from accounts.mail.links import LinkGone, PendingLink, make_link
from accounts.models import OutgoingEmail

logger = logging.getLogger(__name__)

EMAILS = "emails"
# One minute after the first try, two after the second, and so on: the last is about 34 hours after the first.
MAX_TRIES = 12
FIRST_PAUSE = timedelta(minutes=1)
# Longer than a try can take (EMAIL_TIMEOUT for each step of the conversation).
CLAIM = timedelta(minutes=5)
OVERDUE = timedelta(minutes=1)
AT_ONCE = 100
_PERMANENT = 500


def send_on_commit(message: EmailMessage, link: PendingLink | None = None) -> None:
    """Have a worker send `message` once the current transaction is committed; not at all when it is rolled back.

    Where `link` stands in the texts of the message, the link itself is put when it is sent.
    """
    html = next((str(text) for text, type_ in getattr(message, "alternatives", ()) if type_ == "text/html"), "")
    queued = OutgoingEmail.objects.create(
        recipients=message.to,
        subject=str(message.subject),
        text=str(message.body),
        html=html,
        link=link.details if link is not None else None,
        next_at=database_clock.now(),
    )
    if settings.EMAILS_LEAVE_IN_BACKGROUND:
        send_email.enqueue(queued.pk)
    else:
        transaction.on_commit(partial(deliver, queued.pk), robust=True)


@task(queue_name=EMAILS)
def send_email(email_id: str) -> None:
    """Try an email that is due; a task of the workers."""
    deliver(email_id)


def deliver(email_id: str) -> bool:
    """Try an email that is due, and return whether that is done. One that fails is tried again later, or given up."""
    email = _claimed(email_id, database_clock.now())
    if email is None:
        return False
    try:
        _message(email).send()
    except LinkGone:
        logger.info("An email is not sent, for its link has nothing to do any more: %s", email.subject)
    except Exception as error:  # of any sort: what the email tells of has happened, and it is tried again
        _put_off(email, error)
        return False
    email.delete()
    return True


def queue_overdue(now: datetime | None = None) -> int:
    """Queue again what should have been tried, and was queued for or claimed by a worker that died; return how many."""
    now = now or database_clock.now()
    overdue = OutgoingEmail.objects.filter(next_at__lte=now - OVERDUE).order_by("next_at")
    queued = 0
    for id_, next_at in list(overdue.values_list("pk", "next_at")[:AT_ONCE]):
        with transaction.atomic():
            if OutgoingEmail.objects.filter(pk=id_, next_at=next_at).update(next_at=now):
                send_email.enqueue(id_)
                queued += 1
    return queued


def _claimed(email_id: str, now: datetime) -> OutgoingEmail | None:
    email = OutgoingEmail.objects.filter(pk=email_id, next_at__lte=now).first()
    if email is None:
        return None
    mine = OutgoingEmail.objects.filter(pk=email_id, next_at=email.next_at)
    email.tries += 1
    return email if mine.update(next_at=now + CLAIM, tries=email.tries) else None


def _message(email: OutgoingEmail) -> EmailMessage:
    text, html = email.text, email.html
    if email.link is not None:
        link = make_link(email.link)
        text, html = text.replace(email.link["place"], link), html.replace(email.link["place"], escape(link))
    message = EmailMultiAlternatives(email.subject, text, to=email.recipients)
    if html:
        message.attach_alternative(html, "text/html")
    return message


def _put_off(email: OutgoingEmail, error: Exception) -> None:
    """Have an email tried again, unless it has been often enough or the mail server says that it never takes it."""
    why = f"{type(error).__name__} {getattr(error, 'smtp_code', '')}".strip()  # its text may name the recipient
    if email.tries >= MAX_TRIES or _is_permanent(error):
        logger.error("An email could not be sent and is given up: %s (%s)", email.subject, why)
        email.delete()
        return
    logger.warning("An email could not be sent and is tried again: %s (%s)", email.subject, why)
    after = database_clock.now() + FIRST_PAUSE * 2 ** (email.tries - 1)
    with transaction.atomic():
        if OutgoingEmail.objects.filter(pk=email.pk).update(next_at=after) and settings.EMAILS_LEAVE_IN_BACKGROUND:
            send_email.using(run_after=after).enqueue(email.pk)


def _is_permanent(error: Exception) -> bool:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= _PERMANENT for code, _ in error.recipients.values())
    return False
