"""Which of an Actor's prices is in force. Nothing is billed; the SDKs ask a run for it before they count events."""

from datetime import datetime
from typing import Any

import msgspec

_ALWAYS = "0001-01-01T00:00:00Z"


def pricing_at(details: str, moment: datetime) -> dict[str, Any] | None:
    """Return the last of the `pricingInfos` in an Actor's details that had begun at a moment, None where none had."""
    infos: list[dict[str, Any]] = msgspec.json.decode(details).get("pricingInfos") or []
    begun = [info for info in infos if _parse_start(info) <= moment]
    return max(begun, key=_parse_start, default=None)


def _parse_start(info: dict[str, Any]) -> datetime:
    return msgspec.convert(info.get("startedAt", _ALWAYS), datetime)
