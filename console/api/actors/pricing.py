"""What an Actor costs elsewhere: kept and given back, as nothing costs anything here, if it has the API's form."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from accounts.lib.api_errors import invalid_value

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Amount = Annotated[float, msgspec.Meta(ge=0)]


class _Common(msgspec.Struct, rename="camel", tag_field="pricingModel", kw_only=True):
    apify_margin_percentage: Amount
    created_at: Moment
    started_at: Moment
    notified_about_future_change_at: Moment | None = None
    notified_about_change_at: Moment | None = None
    reason_for_change: str | None = None
    is_price_change_notification_suppressed: bool = False
    force_contains_significant_price_change: bool = False


class _EventTier(msgspec.Struct, rename="camel"):
    tiered_event_price_usd: Amount


class _UnitTier(msgspec.Struct, rename="camel"):
    tiered_price_per_unit_usd: Amount


class _ChargeEvent(msgspec.Struct, rename="camel"):
    event_title: str
    event_description: str
    event_price_usd: Amount | UnsetType = UNSET
    event_tiered_pricing_usd: dict[str, _EventTier] | UnsetType = UNSET
    is_primary_event: bool = False
    is_one_time_event: bool = False


class _ChargeEvents(msgspec.Struct, rename="camel"):
    actor_charge_events: dict[str, _ChargeEvent] = {}


class _PayPerEvent(_Common, tag="PAY_PER_EVENT"):
    pricing_per_event: _ChargeEvents
    minimal_max_total_charge_usd: Amount | None = None


class _PricePerDatasetItem(_Common, tag="PRICE_PER_DATASET_ITEM"):
    unit_name: str
    price_per_unit_usd: Amount | UnsetType = UNSET
    tiered_pricing: dict[str, _UnitTier] | UnsetType = UNSET


class _FlatPricePerMonth(_Common, tag="FLAT_PRICE_PER_MONTH"):
    trial_minutes: Annotated[int, msgspec.Meta(ge=0)]
    price_per_unit_usd: Amount


class _Free(_Common, tag="FREE"):
    pass


def check(pricing_infos: list[dict[str, Any]]) -> None:
    """Let through what has the form of `pricingInfos` in the description of the API.

    Raises:
        ApiError: 400 `invalid-value` saying where it has not.
    """
    try:
        msgspec.convert(pricing_infos, list[_PayPerEvent | _PricePerDatasetItem | _FlatPricePerMonth | _Free])
    except msgspec.ValidationError as error:
        raise invalid_value("pricingInfos", f"{error}.") from None
