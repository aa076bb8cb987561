"""Count what a run charges for, up to the most that its user allows. No account is billed: the counts are shown.

The prices of a run are those of its Actor when it was started (`Run.event_prices`), where the Actor is paid by event.
A charge beyond `max_total_charge_usd` is cut to what is still allowed, and the run is aborted, with time to put its
things in order. Two events are the server's own, and are counted where the Actor has a price for them: the start of a
run, once for each gigabyte of its memory, and each item that is pushed to its default dataset.
"""

import re
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from accounts.lib.sql import Statement
from resources.actors.pricing import pricing_at
from resources.jobs.status import FINISHED
from resources.logs.writing import append_line
from resources.models import Actor, Run
from resources.runs import aborting

START: Final = "apify-actor-start"
DATASET_ITEM: Final = "apify-default-dataset-item"
PAY_PER_EVENT: Final = "PAY_PER_EVENT"
MAX_COUNT: Final = 1_000_000_000
MAX_EVENTS: Final = 200
MAX_KEYS: Final = 1_000
EVENT_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,100}\Z", re.ASCII)
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}\Z", re.ASCII)
_OWN_PREFIX: Final = "apify-"
_FREE_TIER: Final = "FREE"
_MEGABYTES_OF_START: Final = 1024


class CannotCharge(ValueError):
    """The event cannot be counted: `field` is the API's, or "" where it is not about one; the message says why."""

    def __init__(self, field: str, problem: str, type_: str = "invalid-value") -> None:
        super().__init__(problem)
        self.field = field
        self.type = type_


def charge(run: Run, event_name: str, count: int, *, idempotency_key: str = "") -> bool:
    """Add to how often an event has been charged for, and return whether it was; the same key counts once.

    What goes beyond the most that the run may charge is left out. `run` is as it is afterwards.

    Raises:
        CannotCharge: for an event, count or key that cannot be one, or a run that has ended.
    """
    _check(event_name, count, idempotency_key)
    with transaction.atomic():
        locked = _lock(run.pk)
        if locked is None:
            raise CannotCharge("", "The run has already finished.", "job-finished")
        if idempotency_key and idempotency_key in locked.charge_keys:
            return False
        if locked.event_prices is None:
            _set_prices(locked)
        _check_event(locked, event_name)
        _add(locked, event_name, count)
        if idempotency_key:
            # A client tries again within seconds; keys from long ago have served their purpose.
            locked.charge_keys = [*locked.charge_keys, idempotency_key][-MAX_KEYS:]
            Run.objects.filter(pk=run.pk).update(charge_keys=locked.charge_keys)
    run.refresh_from_db()
    return True


def charge_start(run: Run) -> None:
    """Charge for the start of a run or its resurrection; call it in the transaction of that, with the run saved."""
    if run.event_prices and START in run.event_prices:
        _add(run, START, max(1, run.memory_mbytes // _MEGABYTES_OF_START))


def charge_items(dataset_id: str, run_id: str, count: int) -> None:
    """Charge for items that are pushed to a dataset of a run that goes on, where it is the default one.

    Call it in the transaction of the push, before the dataset is locked: who deletes a run locks the run first, too.
    """
    if not _charges_items(dataset_id):
        return
    locked = _lock(run_id)
    if locked is not None:
        _add(locked, DATASET_ITEM, count)


def load_event_prices(actor: Actor, run: Run) -> dict[str, float] | None:
    """Return the price in USD of each event of an Actor when a run of it was made; None where it has no such prices."""
    pricing = pricing_at(actor.details, run.created_at)
    if not pricing or pricing.get("pricingModel") != PAY_PER_EVENT:
        return None
    events: dict[str, dict[str, Any]] = pricing.get("pricingPerEvent", {}).get("actorChargeEvents", {})
    return {name: _price(event) for name, event in events.items()}


def _set_prices(run: Run) -> None:
    """Give a locked run the prices that its Actor had when it was made: runs from before prices were kept have none."""
    actor = Actor.objects.filter(pk=run.actor_id).first()
    run.event_prices = load_event_prices(actor, run) if actor else None
    if run.event_prices is not None:
        Run.objects.filter(pk=run.pk).update(event_prices=run.event_prices)


def _price(event: dict[str, Any]) -> float:
    """Return what an event costs; of prices by tier, that of the lowest one, because accounts here have no tiers.

    A negative price, which was once let through, is none: it would give a run back what it has charged.
    """
    if "eventPriceUsd" in event:
        return max(0.0, float(event["eventPriceUsd"]))
    tiers: dict[str, dict[str, float]] = event.get("eventTieredPricingUsd") or {}
    prices = [tier["tieredEventPriceUsd"] for tier in tiers.values()]
    of_free_tier = tiers.get(_FREE_TIER, {}).get("tieredEventPriceUsd")
    return max(0.0, float(max(prices, default=0.0) if of_free_tier is None else of_free_tier))


def _charges_items(dataset_id: str) -> bool:
    """Tell whether a dataset is the default one of a run that has a price for items, without locking the run.

    Most have none, and this is asked at each push.
    """
    row = _SELECT_PRICES.row([dataset_id])
    return row is not None and f'"{DATASET_ITEM}"' in row[0]


def _lock(run_id: str) -> Run | None:
    return Run.objects.select_for_update(of=("self",)).filter(pk=run_id).exclude(status__in=FINISHED).first()


def _check_event(run: Run, event_name: str) -> None:
    """Check that a client may charge for an event.

    Raises:
        CannotCharge: for an event that the Actor has no price for, the server counts itself, or is one too many, and
            for an Actor that is not paid per event.
    """
    if event_name.startswith(_OWN_PREFIX):
        problem = f"Events whose names begin with {_OWN_PREFIX} are charged by the server itself."
        raise CannotCharge("", problem, "cannot-charge-apify-event")
    if run.event_prices is None:
        raise CannotCharge("", "The Actor is not paid per event.", "cannot-charge-non-pay-per-event-actor")
    if event_name not in run.event_prices:
        raise CannotCharge("eventName", "it must be one of the events that the Actor has a price for.")
    if event_name not in run.charged_events and len(run.charged_events) >= MAX_EVENTS:
        raise CannotCharge("eventName", f"a run can charge for {MAX_EVENTS} sorts of events at most.")


def _add(run: Run, event_name: str, count: int) -> None:
    """Count events of a run that is locked, or new, and abort it where it has charged all that it may."""
    prices = run.event_prices or {}
    left = _left(run, prices)
    price = Decimal(str(prices.get(event_name, 0)))
    allowed = count if left is None or price * count <= left else int(left // price)
    if allowed:
        run.charged_events = {**run.charged_events, event_name: run.charged_events.get(event_name, 0) + allowed}
        Run.objects.filter(pk=run.pk).update(charged_events=run.charged_events)
    if left is not None and price and (allowed < count or left <= price * allowed):
        _abort(run)


def _left(run: Run, prices: dict[str, float]) -> Decimal | None:
    """Return how many USD a run may still charge, at least 0; None where there is no limit."""
    if run.max_total_charge_usd is None or not prices:
        return None
    charged = sum(
        (Decimal(str(prices.get(name, 0))) * times for name, times in run.charged_events.items()), start=Decimal()
    )
    return max(Decimal(), Decimal(str(run.max_total_charge_usd)) - charged)


def _abort(run: Run) -> None:
    message = f"The run has charged all of the {run.max_total_charge_usd:g} USD that it may charge."
    if aborting.abort_with_message(run.pk, message):
        append_line(run.pk, f"ACTOR: {message} It is aborted.")


_SELECT_PRICES = Statement(
    "SELECT CAST(r.event_prices AS text) FROM resources_resource d "
    "JOIN resources_run r ON r.resource_ptr_id = d.run_id "
    "WHERE d.id = %s AND d.alias IS NULL AND r.event_prices IS NOT NULL"
)


def _check(event_name: str, count: int, idempotency_key: str) -> None:
    if not EVENT_NAME.match(event_name):
        raise CannotCharge("eventName", "it must have 1 to 100 letters, digits, dots, dashes and underscores.")
    if not 1 <= count <= MAX_COUNT:
        raise CannotCharge("count", f"it must be a whole number from 1 to {MAX_COUNT}.")
    if idempotency_key and not IDEMPOTENCY_KEY.match(idempotency_key):
        raise CannotCharge("idempotency-key", "it must have at most 200 printable ASCII characters.")
