"""The URLs of runs: in the console, below an Actor and in the API, as PUBLIC_URL gives them."""

import re
from urllib.parse import urlsplit

from django.conf import settings

_ID = r"(?P<id>[0-9a-zA-Z]{17})"
_PATH = re.compile(
    rf"/(?:actors/runs|actors/[^/]+/runs|v2/actor-runs|v2/(?:acts|actors|actor-tasks)/[^/]+/runs)/{_ID}(?![0-9a-zA-Z~-])"
)
_URL = re.compile(r"""(?<![\w.+-])https?://[^\s<>"'`()\[\]{}|\\^]+""", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}


def parse_run_id(text: str) -> str:
    """Return the ID of the run that `text` names: by its URL, a path of this server, or the ID itself; else ""."""
    text = text.strip()
    if re.fullmatch(r"[0-9a-zA-Z]{17}", text):
        return text
    return _id_in_path(urlsplit(text).path) if text.startswith("/") else _id_in_url(text)


def run_ids_in(text: str) -> list[str]:
    """Return the IDs of the runs whose whole URLs on this server are in `text`, in their order, each once.

    A URL inside of another one is a part of that. Whether such a run is there is not looked up.
    """
    return list(dict.fromkeys(filter(None, (_id_in_url(found[0]) for found in _URL.finditer(text)))))


def _id_in_url(url: str) -> str:
    here = _split_url(settings.PUBLIC_URL)
    there = _split_url(url)
    if here is None or there is None or there[:2] != here[:2] or not there[2].startswith(here[2]):
        return ""
    return _id_in_path(there[2][len(here[2]) :])


def _id_in_path(path: str) -> str:
    found = _PATH.match(path)
    return found["id"] if found else ""


def _split_url(url: str) -> tuple[str, int | None, str] | None:
    """Return the host, the port and the path of a URL; None for what is none, or has a user in it."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.hostname, port, parts.path.rstrip("/")
