"""Sending webhooks: each dispatch is tried until it is taken, in growing intervals, and then given up.

The worker that moves `next_at` on has the try to itself, by an UPDATE guarded by what was read; so a dispatch is tried
once at a time, however many workers look. When a worker dies over it, its claim runs out and it is tried again: a
receiver may hear of an event twice, and never not at all. The id of the dispatch, which it is sent, tells it so.

A process sends a few at a time (WEBHOOK_JOBS). Once half of them wait for receivers of one account, what else the
account has to send is put off, so that the others' is sent meanwhile.
"""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.lib import database_clock
from accounts.lib.encrypted_text import UnreadableText
from accounts.lib.timestamps import iso
from resources.jobs.queue import queue_dispatch
from resources.kinds import Kind
from resources.models import WebhookDispatch
from resources.webhooks import templates
from resources.webhooks.descriptions import described
from resources.webhooks.sending import SECONDS, WebhookResponse, post_webhook

logger = logging.getLogger(__name__)

# After the first try, 11 more: one minute later, two minutes after that, and so on, the last about 34 hours after it.
MAX_RETRIES = 11
FIRST_PAUSE = timedelta(minutes=1)
# Longer than a try can take: it ends the claim of a worker that has died.
CLAIM = timedelta(seconds=SECONDS * 4)
OVERDUE = timedelta(minutes=2)
AT_ONCE = 100
# A receiver that answers sooner is not one that others wait for.
SLOW_SECONDS = 1.0
_USER_AGENT = "Latchkey-Webhooks"
# What this process is sending: by the id of the dispatch, whose it is and since when.
_under_way: dict[str, tuple[str, float]] = {}


def deliver(dispatch_id: str) -> bool:
    """Try a dispatch that is due, and note what came of it; return whether it was tried.

    Nothing happens where it is not due, is done, is being tried by another worker, or is gone.
    """
    dispatch = _claimed(dispatch_id, database_clock.now())
    if dispatch is None:
        return False
    started = database_clock.now()
    with _sending(dispatch):
        answer = _sent(dispatch)
    _note(dispatch, started, answer)
    return True


def queue_overdue(now: datetime | None = None) -> int:
    """Queue again what should long have been tried, at most AT_ONCE of it, and return how much that was.

    A worker calls this every minute: what it finds was queued for, or claimed by, one that died.
    """
    now = now or database_clock.now()
    active = WebhookDispatch.objects.filter(status=WebhookDispatch.Status.ACTIVE)
    overdue = active.filter(next_at__lte=now - OVERDUE).order_by("next_at").values_list("pk", "next_at")[:AT_ONCE]
    queued = 0
    for id_, next_at in list(overdue):
        with transaction.atomic():
            if active.filter(pk=id_, next_at=next_at).update(next_at=now):
                queue_dispatch(id_)
                queued += 1
    return queued


def _claimed(dispatch_id: str, now: datetime) -> WebhookDispatch | None:
    """Take the next try of a dispatch, if it is due and no other worker takes it."""
    active = WebhookDispatch.objects.filter(pk=dispatch_id, status=WebhookDispatch.Status.ACTIVE)
    dispatch = active.filter(next_at__lte=now).select_related("webhook", "owner").first()
    if dispatch is None:
        return None
    if _waits_too_much(dispatch.owner_id):
        _put_off(dispatch, now)
        return None
    taken = active.filter(next_at=dispatch.next_at).update(next_at=now + CLAIM, attempts=dispatch.attempts + 1)
    dispatch.attempts += 1
    return dispatch if taken else None


@contextmanager
def _sending(dispatch: WebhookDispatch) -> Iterator[None]:
    _under_way[dispatch.pk] = (dispatch.owner_id, time.monotonic())
    try:
        yield
    finally:
        _under_way.pop(dispatch.pk, None)  # another thread has done so where the claim ran out


def _waits_too_much(owner_id: str) -> bool:
    """Tell whether half of what this process may send at once waits for receivers of this account."""
    before = time.monotonic() - SLOW_SECONDS
    waiting = sum(owner == owner_id and since <= before for owner, since in list(_under_way.values()))
    return waiting >= max(1, settings.WEBHOOK_JOBS // 2)


def _put_off(dispatch: WebhookDispatch, now: datetime) -> None:
    """Let the others go first: it counts as no try."""
    later = now + FIRST_PAUSE
    with transaction.atomic():
        active = WebhookDispatch.objects.filter(pk=dispatch.pk, status=WebhookDispatch.Status.ACTIVE)
        if active.filter(next_at=dispatch.next_at).update(next_at=later):
            queue_dispatch(dispatch.pk, after=later)


def _sent(dispatch: WebhookDispatch) -> WebhookResponse:
    webhook = dispatch.webhook
    if not dispatch.owner.is_active:
        return WebhookResponse(error="The account that the webhook belongs to is not active.")
    if isinstance(webhook.headers_template, UnreadableText):
        return WebhookResponse(
            error="The template of the headers was encrypted with another SECRET_KEY; save it again."
        )
    variables = _variables(dispatch)
    interpolated = webhook.should_interpolate_strings
    try:
        body = templates.payload(webhook.payload_template, variables, in_strings=interpolated)
        headers = templates.headers(webhook.headers_template, variables, in_strings=interpolated)
    except templates.BadTemplate as error:
        return WebhookResponse(error=f"The template could not be filled in. {error}")
    headers |= {
        "Content-Type": "application/json; charset=utf-8",
        "X-Apify-Webhook": webhook.pk,
        "X-Apify-Webhook-Dispatch-Id": dispatch.pk,
        "X-Apify-Request-Origin": "WEBHOOK",
    }
    if not any(name.lower() == "user-agent" for name in headers):
        headers["User-Agent"] = _USER_AGENT
    return post_webhook(webhook.request_url, body, headers, ignore_ssl_errors=webhook.ignore_ssl_errors)


def _variables(dispatch: WebhookDispatch) -> dict[str, Any]:
    data = json.loads(dispatch.event_data)
    now = database_clock.now()
    return {
        "userId": dispatch.owner_id,
        "createdAt": iso(dispatch.created_at),
        "eventType": dispatch.event_type,
        "eventData": data,
        "resource": _resource(data),
        "globals": {"dateISO": iso(now), "dateUnix": int(now.timestamp() * 1000)},
    }


def _resource(data: dict[str, str | None]) -> dict[str, Any] | None:
    """Return the run or build that an event is about, as it is now."""
    if run_id := data.get("actorRunId"):
        return described(Kind.RUN, run_id)
    if build_id := data.get("actorBuildId"):
        return described(Kind.BUILD, build_id)
    return None


def _note(dispatch: WebhookDispatch, started: datetime, answer: WebhookResponse) -> None:
    """Write down what came of a try, unless the claim ran out over it and another worker has tried again."""
    now = database_clock.now()
    call = {
        "startedAt": iso(started),
        "finishedAt": iso(now),
        "errorMessage": answer.error,
        "responseStatus": answer.status,
        "responseBody": answer.body,
    }
    with transaction.atomic():
        mine = WebhookDispatch.objects.select_for_update().filter(pk=dispatch.pk, attempts=dispatch.attempts).first()
        if mine is None:
            if WebhookDispatch.objects.filter(pk=dispatch.pk).exists():
                logger.warning("The webhook dispatch %s was tried again by another worker.", dispatch.pk)
            return  # where it was deleted, that is what its owner wanted
        mine.calls = json.dumps([*json.loads(mine.calls), call])
        if answer.is_taken:
            mine.status = WebhookDispatch.Status.SUCCEEDED
        elif dispatch.webhook.do_not_retry or mine.attempts > MAX_RETRIES:
            mine.status = WebhookDispatch.Status.FAILED
        else:
            mine.next_at = now + FIRST_PAUSE * 2 ** (mine.attempts - 1)
            queue_dispatch(mine.pk, after=mine.next_at)
        if mine.status != WebhookDispatch.Status.ACTIVE:
            mine.finished_at = now
        mine.save(update_fields=("calls", "status", "next_at", "finished_at"))
