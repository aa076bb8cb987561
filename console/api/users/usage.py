"""What an account uses and may use, by `/v2/users/me`.

Nothing is sold here, so all amounts of money are 0.
"""

from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any

import msgspec
from django.http import HttpResponse
from django.utils import timezone

from accounts.lib.api_errors import ApiError, invalid_value
from accounts.lib.timestamps import iso
from accounts.request_types import ApiRequest
from console.api.users.limits import UNCHANGEABLE, get_limits
from console.http import json_responses, request_body
from resources.usage.account import Month, compute_units_by_day, count_holdings
from sharing.declare import account_wide

_SERVICE = "ACTOR_COMPUTE_UNITS"
_LAST_MOMENT = 1  # millisecond before the next month begins


class LimitsBody(msgspec.Struct, rename="camel"):
    """The body of a PUT of limits."""

    max_monthly_usage_usd: float | None = None
    data_retention_days: int | None = None


@account_wide
def show_monthly(request: ApiRequest) -> HttpResponse:
    """Answer with what the account's runs have used in a month, by day; `date` is any day of it."""
    month = Month.of(_day(request))
    by_day = compute_units_by_day(request.principal.account_id or "", month)
    days = [
        {
            "date": iso(datetime(day.year, day.month, day.day, tzinfo=UTC)),
            "serviceUsage": _usage(units),
            "totalUsageCreditsUsd": 0,
        }
        for day, units in sorted(by_day.items())
    ]
    return json_responses.data_response(
        {
            "usageCycle": _cycle(month),
            "monthlyServiceUsage": _usage(sum(by_day.values())),
            "dailyServiceUsages": days,
            "totalUsageCreditsUsdBeforeVolumeDiscount": 0,
            "totalUsageCreditsUsdAfterVolumeDiscount": 0,
        }
    )


@account_wide
def show_limits(request: ApiRequest) -> HttpResponse:
    """Answer with what the account may have at most, and with what it has."""
    account_id = request.principal.account_id or ""
    month = Month.of(timezone.now().date())
    held = count_holdings(account_id)
    return json_responses.data_response(
        {
            "monthlyUsageCycle": _cycle(month),
            "limits": get_limits(),
            "current": {
                "monthlyUsageUsd": 0,
                "monthlyActorComputeUnits": sum(compute_units_by_day(account_id, month).values()),
                "monthlyExternalDataTransferGbytes": 0,
                "monthlyProxySerps": 0,
                "monthlyResidentialProxyGbytes": 0,
                "actorMemoryGbytes": held.memory_mbytes / 1024,
                "actorCount": held.actors,
                "actorTaskCount": held.tasks,
                "scheduleCount": held.schedules,
                "activeActorJobCount": held.active_runs,
                "teamAccountSeatCount": 1,
            },
        }
    )


@account_wide
def update_limits(request: ApiRequest) -> HttpResponse:
    """Refuse to promise what would not be kept: nothing is billed, and nothing is deleted by age."""
    body = request_body.read_json(request, LimitsBody)
    for field, value in (
        ("maxMonthlyUsageUsd", body.max_monthly_usage_usd),
        ("dataRetentionDays", body.data_retention_days),
    ):
        if value is not None and value != UNCHANGEABLE[field]:
            raise ApiError(
                HTTPStatus.BAD_REQUEST, "invalid-value", f'This server has no limit "{field}": it cannot be changed.'
            )
    return json_responses.data_response({}, json_responses.CREATED)


def _day(request: ApiRequest) -> date:
    text = request.GET.get("date")
    if text is None:
        return timezone.now().date()
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
        Month.of(day)
    except ValueError:
        raise invalid_value("date", "it must be a day like 2026-08-31.") from None
    return day


def _cycle(month: Month) -> dict[str, str]:
    last = datetime.fromtimestamp(month.end.timestamp() - _LAST_MOMENT / 1000, UTC)
    return {"startAt": iso(month.start), "endAt": iso(last)}


def _usage(units: float) -> dict[str, Any]:
    if not units:
        return {}
    return {_SERVICE: {"quantity": units, "baseAmountUsd": 0, "baseUnitPriceUsd": 0, "amountAfterVolumeDiscountUsd": 0}}
