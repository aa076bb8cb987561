"""The life of a webhook: made, changed, tried out, deleted. Who may name what it hangs on is decided above."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from msgspec import UNSET, UnsetType

from accounts import audit
from accounts.lib import disk_space
from accounts.principal import Principal
from resources.edit_locked import delete_locked, edit_locked
from resources.models import Run, Webhook, WebhookDispatch
from resources.webhooks import addresses, events, templates

MAX_DESCRIPTION = 2000
MAX_IDEMPOTENCY_KEY = 200
# How many a run may be given at its start.
MAX_AD_HOC = 20


class InvalidWebhook(ValueError):
    """Something that a webhook cannot have; `field` names it as the API does, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Condition:
    """What a webhook hangs on: exactly one of an Actor, a task and a run."""

    actor_id: str | None = None
    task_id: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookChange:
    """What of a webhook is to change; UNSET leaves it as it is. For a new one `event_types` and the URL must be given.

    An ad-hoc webhook belongs to one run, and is sent once for each of its events.
    """

    event_types: Sequence[str] | UnsetType = UNSET
    condition: Condition | UnsetType = UNSET
    request_url: str | UnsetType = UNSET
    payload_template: str | UnsetType = UNSET
    headers_template: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    is_ad_hoc: bool | UnsetType = UNSET
    should_interpolate_strings: bool | UnsetType = UNSET
    ignore_ssl_errors: bool | UnsetType = UNSET
    do_not_retry: bool | UnsetType = UNSET


def create(
    owner_id: str, change: WebhookChange, *, by: Principal, idempotency_key: str | None = None
) -> tuple[Webhook, bool]:
    """Return a webhook of `owner_id` and whether it is new; with a key that it used before, the one made then.

    Raises:
        InvalidWebhook: when there can be no such webhook.
        ValueError: when `by` would make one for another account.
        OSError: ENOSPC when the disk has no space for something new.
    """
    if by.account_id != owner_id:
        raise ValueError(f"{by.account_id} cannot make a webhook for {owner_id}.")
    webhook = _new(owner_id, change, idempotency_key)
    if found := _made_before(owner_id, idempotency_key):
        return found, False
    disk_space.check_database()
    try:
        with transaction.atomic():
            webhook.save(force_insert=True)
            _record("webhook.created", webhook, by)
    except IntegrityError:
        found = _made_before(owner_id, idempotency_key)
        if found is None:
            raise InvalidWebhook("condition", "what it names was deleted.") from None
        return found, False
    return webhook, True


def add_ad_hoc(run: Run, wanted: Iterable[tuple[WebhookChange, str | None]]) -> None:
    """Give a run that is being started webhooks of its own, each with its idempotency key or None.

    Call it in the transaction of the start, before the run's first event.

    Raises:
        InvalidWebhook: when one of them cannot be.
    """
    for change, key in check_ad_hoc(wanted):
        webhook = _new(run.owner_id, change, key, on=Condition(run_id=run.pk))
        webhook.is_ad_hoc = True
        # With a key that was used before, perhaps at this very moment, the webhook made then stays the only one.
        with suppress(IntegrityError), transaction.atomic():
            webhook.save(force_insert=True)


def check_ad_hoc(wanted: Iterable[tuple[WebhookChange, str | None]]) -> list[tuple[WebhookChange, str | None]]:
    """Look at the webhooks that a run is to be given, and return them.

    Raises:
        InvalidWebhook: when one of them cannot be, or there are too many.
    """
    listed = list(wanted)
    if len(listed) > MAX_AD_HOC:
        raise InvalidWebhook("webhooks", f"a run can be given at most {MAX_AD_HOC}.")
    for change, key in listed:
        _new("", change, key, on=Condition(run_id="-"))
    return listed


def update(webhook: Webhook, change: WebhookChange, *, by: Principal) -> None:
    """Change what `change` gives, and nothing else; `webhook` is brought up to date.

    Raises:
        InvalidWebhook: when it cannot be like that.
        ResourceGone: when it was deleted in the meantime.
    """
    edit_locked(
        Webhook,
        webhook,
        change,
        apply=_apply,
        fields=_FIELDS,
        record_change=lambda _, locked: _record("webhook.changed", locked, by),
    )


def delete(webhook: Webhook, *, by: Principal) -> bool:
    """Delete a webhook with its dispatches, those that are still tried too; return whether it was still there."""
    return delete_locked(Webhook, webhook, record_deletion=lambda locked: _record("webhook.deleted", locked, by))


def try_out(webhook: Webhook) -> WebhookDispatch:
    """Have a webhook sent for an event of the type TEST, about what it hangs on, and return the dispatch."""
    data: dict[str, str | None] = {"actorId": webhook.actor_id or ""}
    if on := webhook.run or webhook.task:
        data = {"actorId": on.actor_id or "", "actorTaskId": on.task_id if webhook.run else on.pk}
    if webhook.run_id:
        data["actorRunId"] = webhook.run_id
    with transaction.atomic():
        (made,) = events.dispatch([webhook], events.TEST, data)
    return made


def _new(owner_id: str, change: WebhookChange, key: str | None, on: Condition | None = None) -> Webhook:
    for field, value in (
        ("eventTypes", change.event_types),
        ("requestUrl", change.request_url),
        ("condition", on or change.condition),
    ):
        if value is UNSET:
            raise InvalidWebhook(field, "it is required.")
    if key is not None and (not 0 < len(key) <= MAX_IDEMPOTENCY_KEY or not key.isprintable()):
        raise InvalidWebhook("idempotencyKey", f"it must have 1 to {MAX_IDEMPOTENCY_KEY} printable characters.")
    webhook = Webhook(owner_id=owner_id, idempotency_key=key)
    _apply(webhook, change, on)
    return webhook


def _apply(webhook: Webhook, change: WebhookChange, on: Condition | None = None) -> None:
    if change.event_types is not UNSET:
        webhook.event_types = _event_types(change.event_types)
    condition = on or change.condition
    if condition is not UNSET:
        webhook.actor_id, webhook.task_id, webhook.run_id = condition.actor_id, condition.task_id, condition.run_id
    if change.request_url is not UNSET:
        webhook.request_url = _url(change.request_url)
    if change.payload_template is not UNSET:
        webhook.payload_template = _template("payloadTemplate", change.payload_template)
    if change.headers_template is not UNSET:
        webhook.headers_template = _template("headersTemplate", change.headers_template)
    if change.description is not UNSET:
        webhook.description = _description(change.description)
    for flag in ("is_ad_hoc", "should_interpolate_strings", "ignore_ssl_errors", "do_not_retry"):
        value = getattr(change, flag)
        if value is not UNSET:
            setattr(webhook, flag, value)
    if sum(id_ is not None for id_ in (webhook.actor_id, webhook.task_id, webhook.run_id)) != 1:
        raise InvalidWebhook("condition", "it must name exactly one Actor, task or run.")
    webhook.is_ad_hoc = webhook.is_ad_hoc and webhook.run_id is not None


def _event_types(types: Sequence[str]) -> list[str]:
    wrong = [each for each in types if each not in events.EVENT_TYPES]
    if wrong or not types:
        raise InvalidWebhook("eventTypes", f"it must hold some of {', '.join(sorted(events.EVENT_TYPES))}.")
    return list(dict.fromkeys(types))


def _url(url: str) -> str:
    try:
        addresses.check(url)
    except addresses.BadUrl as error:
        raise InvalidWebhook("requestUrl", str(error)) from None
    return url


def _template(field: str, template: str) -> str:
    check: Any = templates.check_payload if field == "payloadTemplate" else templates.check_headers
    try:
        check(template)
    except templates.BadTemplate as error:
        raise InvalidWebhook(field, str(error)) from None
    return template


def _description(text: str) -> str:
    if len(text) > MAX_DESCRIPTION or "\x00" in text:
        raise InvalidWebhook("description", f"it must have at most {MAX_DESCRIPTION:,} characters, and no NUL.")
    return text


def _made_before(owner_id: str, key: str | None) -> Webhook | None:
    return Webhook.objects.filter(owner_id=owner_id, idempotency_key=key).first() if key is not None else None


def _record(action: str, webhook: Webhook, by: Principal) -> None:
    """Add a line to the trail, with where it is sent; the rest of a URL often is a secret."""
    host = urlsplit(webhook.request_url).hostname or ""
    audit.record(action, by=by, account_id=webhook.owner_id, subject_id=webhook.pk, name=host)


_FIELDS = (
    "event_types",
    "actor_id",
    "task_id",
    "run_id",
    "request_url",
    "payload_template",
    "headers_template",
    "description",
    "is_ad_hoc",
    "should_interpolate_strings",
    "ignore_ssl_errors",
    "do_not_retry",
)
