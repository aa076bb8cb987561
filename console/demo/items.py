"""The demo's data: real, and free to use.

- Time zones and countries: `zone1970.tab` and `iso3166.tab` of the IANA time zone database, release 2026f, as they
  come, in the public domain (each file says so itself).
- Characters: the Unicode Character Database as Python's `unicodedata` carries it; Unicode License V3.
- Status codes: `http.HTTPStatus` of Python's standard library, after IANA's registry of HTTP status codes, which is
  in the public domain (CC0).
"""

import re
import sys
import unicodedata
from http import HTTPStatus
from pathlib import Path
from typing import Any

Items = list[dict[str, Any]]

_HERE = Path(__file__).parent
_COORDINATES = re.compile(r"([+-])(\d{2})(\d{2})(\d{2})?([+-])(\d{3})(\d{2})(\d{2})?\Z")
_MINUTES_PER_DEGREE = 60
_SECONDS_PER_DEGREE = 3600


def time_zones() -> Items:
    """Return one item for each time zone whose clocks have agreed since 1970, with its countries and position."""
    names = _country_names()
    return [_time_zone(row, names) for row in _rows("zone1970.tab")]


def countries() -> Items:
    """Return one item for each country of ISO 3166-1, with the time zones that touch it."""
    zones: dict[str, list[str]] = {}
    for row in _rows("zone1970.tab"):
        for code in row[0].split(","):
            zones.setdefault(code, []).append(row[2])
    return [
        {"code": code, "name": name, "timeZoneCount": len(zones.get(code, [])), "timeZones": zones.get(code, [])}
        for code, name in _country_names().items()
    ]


def currency_signs() -> Items:
    """Return one item for each character of the Unicode category Sc, the currency signs."""
    return [
        {
            "character": character,
            "codePoint": f"U+{ord(character):04X}",
            "name": unicodedata.name(character),
            "bidirectional": unicodedata.bidirectional(character),
            "unicodeVersion": unicodedata.unidata_version,
        }
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(character) == "Sc"
    ]


def status_codes() -> Items:
    """Return one item for each HTTP status code."""
    return [
        {
            "code": status.value,
            "phrase": status.phrase,
            "description": status.description or None,
            "isError": status.value >= HTTPStatus.BAD_REQUEST,
        }
        for status in HTTPStatus
    ]


def _time_zone(row: list[str], names: dict[str, str]) -> dict[str, Any]:
    latitude, longitude = _position(row[1])
    codes = row[0].split(",")
    return {
        "timeZone": row[2],
        "region": row[2].partition("/")[0],
        "city": row[2].rpartition("/")[2].replace("_", " "),
        "latitude": latitude,
        "longitude": longitude,
        "countries": [{"code": code, "name": names[code]} for code in codes],
        "comment": row[3] if len(row) > 3 else None,  # the fourth column is optional
    }


def _position(text: str) -> tuple[float, float]:
    """Read ISO 6709 (`+DDMM+DDDMM` or with seconds) as degrees of latitude and longitude."""
    match = _COORDINATES.match(text)
    if match is None:
        raise ValueError(f"Not a position: {text!r}")
    north, east = match.groups()[:4], match.groups()[4:]
    return _degrees(*north), _degrees(*east)


def _degrees(sign: str, degrees: str, minutes: str, seconds: str | None) -> float:
    value = int(degrees) + int(minutes) / _MINUTES_PER_DEGREE + int(seconds or 0) / _SECONDS_PER_DEGREE
    return round(-value if sign == "-" else value, 5)


def _country_names() -> dict[str, str]:
    return {row[0]: row[1] for row in _rows("iso3166.tab")}


def _rows(file: str) -> list[list[str]]:
    lines = (_HERE / file).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]
