"""What the demo's key-value store and request queue hold, made from its data when it is loaded."""

import json
import struct
import zlib
from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from accounts.lib.timestamps import milliseconds
from console.demo import items
from resources.request_queues import clock
from resources.request_queues.structs import NewRequest

_PIXELS_PER_DEGREE = 2
_WIDTH, _HEIGHT = 360 * _PIXELS_PER_DEGREE, 180 * _PIXELS_PER_DEGREE
_DOT = 2
_SEA, _CITY = (235, 240, 248), (44, 79, 196)


class DemoRecord(NamedTuple):
    """A record to be: its key, its content and its type."""

    key: str
    content: bytes
    content_type: str


def reports() -> list[DemoRecord]:
    """Return a report on the time zones in every form that has a preview of its own."""
    zones = items.time_zones()
    regions: dict[str, int] = {}
    for zone in zones:
        regions[zone["region"]] = regions.get(zone["region"], 0) + 1
    summary = {"timeZones": len(zones), "countries": len(items.countries()), "regions": regions}
    rows = "".join(f"  <tr><th>{escape(region)}</th><td>{count}</td></tr>\n" for region, count in regions.items())
    lines = "".join(f"{zone['latitude']:9.4f} {zone['longitude']:9.4f}  {zone['timeZone']}\n" for zone in zones)
    return [
        DemoRecord("summary.json", json.dumps(summary).encode(), "application/json; charset=utf-8"),
        DemoRecord("positions.txt", lines.encode(), "text/plain; charset=utf-8"),
        DemoRecord("regions.html", f"<table>\n{rows}</table>\n".encode(), "text/html; charset=utf-8"),
        DemoRecord("map.png", _png(_dots((zone["latitude"], zone["longitude"]) for zone in zones)), "image/png"),
    ]


def handled_requests() -> list[NewRequest]:
    """Return pages that have been visited."""
    now = milliseconds(clock.now())
    return [
        NewRequest(url, url, handled_at=now, details='{"userData": {"label": "START"}}')
        for url in ("https://www.iana.org/time-zones", "https://www.unicode.org/ucd/")
    ]


def locked_requests() -> list[NewRequest]:
    """Return a page that is in progress."""
    url = "https://data.iana.org/time-zones/releases/"
    return [NewRequest(url, url)]


def pending_requests() -> list[NewRequest]:
    """Return pages that are still to be visited, one of which was tried before."""
    tried = "https://www.iso.org/obp/ui/"
    details = json.dumps(
        {"errorMessages": ["Timed out after 30 s.", "Timed out after 60 s."], "userData": {"depth": 1}}
    )
    urls = ("https://www.iana.org/assignments/http-status-codes/", "https://www.unicode.org/charts/PDF/U20A0.pdf")
    return [NewRequest(tried, tried, retry_count=2, details=details), *(NewRequest(url, url) for url in urls)]


def _dots(positions: Iterable[tuple[float, float]]) -> list[bytearray]:
    """Return a map of the world, row by row, one byte for each pixel: 1 where there is a position, else 0."""
    rows = [bytearray(_WIDTH) for _ in range(_HEIGHT)]
    for latitude, longitude in positions:
        y, x = int((90 - latitude) * _PIXELS_PER_DEGREE), int((longitude + 180) * _PIXELS_PER_DEGREE)
        for row in rows[max(0, y - _DOT) : y + _DOT]:
            start = min(max(0, x - _DOT), _WIDTH - 2 * _DOT)
            row[start : start + 2 * _DOT] = bytes([1] * 2 * _DOT)
    return rows


def _png(rows: list[bytearray]) -> bytes:
    """Return rows of pixels as a PNG with two colours."""
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 3, 0, 0, 0)  # 8 bits, which choose from a palette
    pixels = zlib.compress(b"".join(b"\x00" + row for row in rows))
    chunks = ((b"IHDR", header), (b"PLTE", bytes((*_SEA, *_CITY))), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
