"""Actors whose runs charge for events."""

import json
from typing import Any

from accounts.models import Account
from resources.models import Actor
from tests.support.factories import built_actor


def paid_actor(owner: Account, prices: dict[str, float], **fields: Any) -> Actor:
    """Make a public Actor with a build, that is paid by event: `paid_actor(dan, {"page": 0.1})`, in USD."""
    return built_actor(owner, is_public=True, details=json.dumps({"pricingInfos": [pricing_of(prices)]}), **fields)


def pricing_of(prices: dict[str, float]) -> dict[str, Any]:
    """Return what the API calls a pricing info."""
    return {
        "pricingModel": "PAY_PER_EVENT",
        "apifyMarginPercentage": 0.2,
        "createdAt": "2021-01-01T00:00:00.000Z",
        "startedAt": "2021-01-01T00:00:00.000Z",
        "pricingPerEvent": {
            "actorChargeEvents": {
                name: {"eventTitle": name, "eventDescription": f"A {name}", "eventPriceUsd": price}
                for name, price in prices.items()
            }
        },
    }
