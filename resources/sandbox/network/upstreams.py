"""The proxies that a deployment names for its runs: the settings PROXY_URL and PROXY_GROUPS, read, and one chosen.

A program says by the username that it gives to its proxy which one it wants, as Apify documents it: `auto`, or parts
separated by commas, `groups-A+B`, `session-Y` and `country-Z` (https://docs.apify.com/platform/proxy/usage).
"""

import base64
import os
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_GROUP = re.compile(r"[A-Za-z0-9_.~]{1,64}\Z")


class NoSuchGroup(Exception):
    """No proxy of the groups that were asked for is named; the message says which."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """One proxy: its group, "" for requests that name none, where it is, and the header that lets one in, or ""."""

    group: str
    host: str
    port: int
    authorization: str


def parse(setting: str, url: str, group: str = "") -> Upstream:
    """Return the proxy of a URL, `http://user:password@host:port`.

    Raises:
        ValueError: for what is no such URL; the message says why, and nothing of the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 80
    except ValueError:
        parts, port = urlsplit(""), 0
    has_more = parts.path not in ("", "/") or parts.query or parts.fragment
    if parts.scheme != "http" or not parts.hostname or has_more:
        raise ValueError(f"{setting} must be http://user:password@host:port, the proxy that runs are to use.")
    authorization = ""
    if parts.username is not None:
        words = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        authorization = f"Basic {base64.b64encode(words).decode()}"
    return Upstream(group, parts.hostname, port, authorization)


def parse_all(url: str, groups: Iterable[str]) -> list[Upstream]:
    """Return all proxies: the one of PROXY_URL, "" for none, and those of PROXY_GROUPS, each `NAME=URL`.

    Raises:
        ValueError: when one of them is none.
    """
    found = [parse("PROXY_URL", url)] if url else []
    for text in groups:
        name, equals, group_url = text.partition("=")
        if not equals or not _GROUP.match(name):
            raise ValueError("PROXY_GROUPS must be NAME=URL, with a comma between each two.")
        found.append(parse("PROXY_GROUPS", group_url, name))
    return found


def choose(upstreams: Sequence[Upstream], username: str) -> Upstream | None:
    """Return the proxy that a username asks for, the same one for the same session; None where none are named at all.

    Raises:
        NoSuchGroup: when none is in the groups that it names.
    """
    if not upstreams:
        return None
    wanted = dict(part.partition("-")[::2] for part in username.split(","))
    groups = [group for group in wanted.get("groups", "").split("+") if group]
    if groups:
        found = [each for each in upstreams if each.group in groups]
        if not found:
            raise NoSuchGroup(f"This server has no proxy group {' or '.join(groups)[:200]}.")
    else:
        found = [each for each in upstreams if not each.group] or list(upstreams)
    session = wanted.get("session")
    number = zlib.crc32(session.encode()) if session else int.from_bytes(os.urandom(4))
    return found[number % len(found)]
