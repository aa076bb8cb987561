"""Count what a run says that it charges for. No account is billed: there are no prices here, the counts are shown."""

import re
from typing import Final

from django.db import transaction

from resources.jobs.status import FINISHED
from resources.models import Run

MAX_COUNT: Final = 1_000_000_000
MAX_EVENTS: Final = 200
MAX_KEYS: Final = 1_000
EVENT_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,100}\Z", re.ASCII)
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}\Z", re.ASCII)


class CannotCharge(ValueError):
    """The event cannot be counted: `field` is the API's, or "" where it is not about one; the message says why."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


def charge(run: Run, event_name: str, count: int, *, idempotency_key: str = "") -> bool:
    """Add to how often an event has been charged for, and return whether it was; the same key counts once.

    Raises:
        CannotCharge: for an event, count or key that cannot be one, or a run that has ended.
    """
    _check(event_name, count, idempotency_key)
    with transaction.atomic():
        locked = Run.objects.select_for_update(of=("self",)).filter(pk=run.pk).exclude(status__in=FINISHED).first()
        if locked is None:
            raise CannotCharge("", "The run has already finished.")
        if idempotency_key and idempotency_key in locked.charge_keys:
            return False
        counts = dict(locked.charged_events)
        if event_name not in counts and len(counts) >= MAX_EVENTS:
            raise CannotCharge("eventName", f"a run can charge for {MAX_EVENTS} sorts of events at most.")
        counts[event_name] = counts.get(event_name, 0) + count
        # A client tries again within seconds; keys from long ago have served their purpose.
        keys = [*locked.charge_keys, idempotency_key][-MAX_KEYS:] if idempotency_key else locked.charge_keys
        Run.objects.filter(pk=run.pk).update(charged_events=counts, charge_keys=keys)
    run.charged_events, run.charge_keys = counts, keys
    return True


def _check(event_name: str, count: int, idempotency_key: str) -> None:
    if not EVENT_NAME.match(event_name):
        raise CannotCharge("eventName", "it must have 1 to 100 letters, digits, dots, dashes and underscores.")
    if not 1 <= count <= MAX_COUNT:
        raise CannotCharge("count", f"it must be a whole number from 1 to {MAX_COUNT}.")
    if idempotency_key and not IDEMPOTENCY_KEY.match(idempotency_key):
        raise CannotCharge("idempotency-key", "it must have at most 200 printable ASCII characters.")
