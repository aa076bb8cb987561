"""Pre-signed URLs: made and checked. A signature opens one thing, without an account, for as long as it says.

Two formats are fixed by the official clients, which sign by themselves with a storage's key: the HMAC of
`apify_client._utils.crypto`, first 30 hex digits, in base 62. The key is never stored. It is derived from the server's
secret, the storage's id and a counter on the storage, so that raising the counter revokes every link made with it.

The clients' signature of a record has no end. Links to records that are made here have one: they are written like
content signatures, with a version and a key of their own, so that neither can pass for the other.
"""

import base64
import binascii
import hashlib
import hmac
import re
import string
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.utils.crypto import constant_time_compare, salted_hmac

from resources.records.keys import spells_content_message

_BASE62 = string.digits + string.ascii_letters
_HEX_DIGITS = 30
_VERSION = "0"
_RECORD_VERSION = "r"
_PAYLOAD = re.compile(r"(0|r)\.(0|[1-9][0-9]{0,15})\.([0-9a-zA-Z]{1,21})\Z")
_LONGEST = 200

DEFAULT_LIFETIME = timedelta(days=14)


class Opens(StrEnum):
    """What a signature can be for. Everything else about a storage stays closed."""

    CONTENT = "CONTENT"
    RECORD = "RECORD"


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that holds: what it opens, its one canonical text, and when it ends.

    `expires_at` is in milliseconds since 1970, 0 for never.
    """

    opens: Opens
    text: str
    expires_at: int = 0


def signing_key(resource_id: str, link_counter: int) -> str:
    """Return the key of a storage, as `urlSigningSecretKey` gives it to clients with WRITE: 64 hex digits."""
    return salted_hmac("sharing.signatures", f"{resource_id}.{link_counter}", algorithm="sha256").hexdigest()


def mac(key: str, message: str) -> str:
    """Return the first 30 hex digits of HMAC-SHA256, read as a number and written in base 62."""
    # A record's key may come from a URL with anything in it; what is not Unicode text has no signature to match.
    digest = hmac.new(key.encode(), message.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
    number = int(digest[:_HEX_DIGITS], 16)
    digits = []
    while number:
        number, digit = divmod(number, len(_BASE62))
        digits.append(_BASE62[digit])
    return "".join(reversed(digits)) or _BASE62[0]


def sign_content(key: str, resource_id: str, expires_at: int) -> str:
    """Return the content signature of a storage that ends at `expires_at` (milliseconds since 1970; 0: never)."""
    return _encode(_VERSION, expires_at, _content_mac(key, resource_id, expires_at))


def sign_record(key: str, resource_id: str, record_key: str) -> str:
    """Return the signature of one record; it has no end of its own.

    Raises:
        ValueError: for a record key that spells a content message and would mint a content signature.
    """
    if spells_content_message(record_key, resource_id):
        raise ValueError("This record key cannot be signed.")
    return mac(key, record_key)


def sign_record_until(key: str, resource_id: str, record_key: str, expires_at: int) -> str:
    """Return a signature of one record that ends at `expires_at` (milliseconds since 1970)."""
    return _encode(_RECORD_VERSION, expires_at, _record_mac(key, resource_id, record_key, expires_at))


def check_content(signature: str, key: str, resource_id: str, now: int) -> Signed | None:
    """Return what a content signature says if it holds at `now` (milliseconds since 1970), else None."""
    payload = _decode(signature)
    if payload is None or payload.version != _VERSION:
        return None
    holds = constant_time_compare(payload.mac, _content_mac(key, resource_id, payload.expires_at))
    return _signed(Opens.CONTENT, payload, now) if holds else None


def check_record(signature: str, key: str, resource_id: str, record_key: str, now: int) -> Signed | None:
    """Return what a record signature says if it is one of this record and holds at `now`, else None."""
    if spells_content_message(record_key, resource_id) or not signature.isascii():
        return None
    payload = _decode(signature)
    if payload is not None and payload.version == _RECORD_VERSION:
        expected = _record_mac(key, resource_id, record_key, payload.expires_at)
        return _signed(Opens.RECORD, payload, now) if constant_time_compare(payload.mac, expected) else None
    holds = constant_time_compare(signature, mac(key, record_key))
    return Signed(Opens.RECORD, signature) if holds else None


@dataclass(frozen=True, slots=True)
class _Payload:
    version: str
    expires_at: int
    mac: str
    text: str


def _signed(opens: Opens, payload: _Payload, now: int) -> Signed | None:
    ended = payload.expires_at != 0 and payload.expires_at <= now
    return None if ended else Signed(opens, payload.text, payload.expires_at)


def _content_mac(key: str, resource_id: str, expires_at: int) -> str:
    return mac(key, f"{_VERSION}.{expires_at}.{resource_id}")


def _record_mac(key: str, resource_id: str, record_key: str, expires_at: int) -> str:
    """A key of its own keeps these apart from the record signatures that clients make of any text they like."""
    own_key = salted_hmac("sharing.signatures.record", key, algorithm="sha256").hexdigest()
    return mac(own_key, f"{_RECORD_VERSION}.{expires_at}.{resource_id}.{record_key}")


def _encode(version: str, expires_at: int, signed: str) -> str:
    return base64.urlsafe_b64encode(f"{version}.{expires_at}.{signed}".encode()).decode().rstrip("=")


def _decode(signature: str) -> _Payload | None:
    """Undo base64url, with padding or without, and take it apart; None for anything else."""
    text = signature.rstrip("=")
    if len(text) > _LONGEST or not re.fullmatch(r"[0-9A-Za-z_-]+", text):
        return None
    try:
        payload = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None
    match = _PAYLOAD.match(payload)
    return None if match is None else _Payload(match[1], int(match[2]), match[3], payload)
