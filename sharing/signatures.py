"""Pre-signed URLs: made and checked. A signature opens one thing, without an account, for as long as it says.

Two formats are fixed by the official clients, which sign by themselves with the key of a storage that they were given:
the HMAC of `apify_client._utils.crypto`, first 30 hex digits, in base 62. Each holder (accounts/holders.py) has a key
of its own. No key is stored: it is derived from the server's secret, the storage's ID, the counters of the storage and
of its owner, and the holder. What was signed under a secret of SECRET_KEY_FALLBACKS holds too; which secret a key was
derived from is told by the fingerprint of that secret.

Links that the server makes itself have a third format, which names the holder. The name is encrypted, so that a link
does not tell who made it. These links have a key of their own, so neither format can pass for the other.
"""

import base64
import binascii
import hashlib
import hmac
import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache

from django.conf import settings
from django.utils.crypto import salted_hmac

from resources.records.keys import collides_with_signature

_BASE62 = string.digits + string.ascii_letters
_DIGIT_OF = {digit: number for number, digit in enumerate(_BASE62)}
_HEX_DIGITS = 30
_MAC_BYTES = _HEX_DIGITS // 2
_MAC = re.compile(r"0|[1-9a-zA-Z][0-9a-zA-Z]{0,20}")
_LONGEST = 200
_HOLDER_BYTES, _TAG_BYTES = 18, 18
_FINGERPRINT_DIGITS = 16

DEFAULT_LIFETIME = timedelta(days=14)


class SignedContent(StrEnum):
    """What a signature gives access to."""

    CONTENT = "CONTENT"
    RECORD = "RECORD"


class Format(StrEnum):
    """How a signature is written. The values are the versions in the text, where it has one.

    CONTENT and RECORD are the clients'. HELD names its holder. RECORD_UNTIL is a link to a record by an earlier version
    of this server; such a link opens only where it is registered.
    """

    CONTENT = "0"
    RECORD = ""
    HELD = "h"
    RECORD_UNTIL = "r"


@dataclass(frozen=True, slots=True)
class ValidSignature:
    """A signature that holds: what it opens, its one canonical text, and when it ends.

    `expires_at` is in milliseconds since 1970, 0 for never. `key_at` is its key's place among those tried.
    """

    opens: SignedContent
    text: str
    expires_at: int = 0
    key_at: int = 0


@dataclass(frozen=True, slots=True)
class ParsedSignature:
    """A signature taken apart, whether it holds or not. `text` is canonical: one signature has one text.

    `proof` is the code at its end. `expires_at` is in milliseconds since 1970, 0 for never.
    """

    format: Format
    expires_at: int
    proof: str
    text: str


@dataclass(frozen=True, slots=True)
class KeySource:
    """What the keys of a storage are derived from, besides the secret and the holder; a raised counter ends them."""

    resource_id: str
    link_counter: int
    owner_link_counter: int

    @property
    def text(self) -> str:
        """The one text of it."""
        return f"{self.resource_id}.{self.link_counter}.{self.owner_link_counter}"


def secrets() -> list[str]:
    """Return the server's secrets, the one that signs first."""
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def signing_key(source: KeySource, holder: str) -> str:
    """Return the key that a holder signs with, as `urlSigningSecretKey` gives it: 64 hex digits."""
    return holder_keys(source, [(holder, current_fingerprint())])[0]


def current_fingerprint() -> str:
    """Return what names the secret that signs without telling it: 16 hex digits."""
    return _fingerprint(settings.SECRET_KEY)


def fingerprints() -> list[str]:
    """Return the fingerprints of the server's secrets, the one that signs first."""
    return [_fingerprint(secret) for secret in secrets()]


def holder_keys(source: KeySource, holders: Iterable[tuple[str, str]]) -> list[str]:
    """Return one key for each holder's code and the fingerprint of the secret that its key was derived from.

    Raises:
        KeyError: for a fingerprint of none of the server's secrets.
    """
    pairs = list(holders)
    named = {_fingerprint(secret): secret for secret in secrets()}
    roots = {each: _derived("sharing.signatures.holders", source.text, named[each]) for _, each in pairs}
    return [hmac.digest(roots[each], holder.encode(), "sha256").hex() for holder, each in pairs]


def keys_from_before_holders(source: KeySource) -> list[str]:
    """Return the keys that a storage had, under each secret, while all who held WRITE had the same key.

    The owner's counter has no part in them; the caller sees to it that they end when that is raised.
    """
    text = f"{source.resource_id}.{source.link_counter}"
    return [_derived("sharing.signatures", text, secret).hex() for secret in secrets()]


def mac(key: str, message: str) -> str:
    """Return the first 30 hex digits of HMAC-SHA256, read as a number and written in base 62."""
    number = int.from_bytes(_mac_bytes(key, _as_bytes(message)), "big")
    digits = []
    while number:
        number, digit = divmod(number, len(_BASE62))
        digits.append(_BASE62[digit])
    return "".join(reversed(digits)) or _BASE62[0]


def sign_content(key: str, resource_id: str, expires_at: int) -> str:
    """Return the content signature of a storage that ends at `expires_at` (milliseconds since 1970; 0: never)."""
    return _encode(Format.CONTENT, expires_at, mac(key, _content_message(resource_id, expires_at)))


def sign_record(key: str, resource_id: str, record_key: str) -> str:
    """Return the signature of one record as a client writes it; it has no end of its own.

    Raises:
        ValueError: for a record key that spells a content message and would mint a content signature.
    """
    if collides_with_signature(record_key, resource_id):
        raise ValueError("This record key cannot be signed.")
    return mac(key, record_key)


class HeldSigner:
    """Signs what one holder hands on of one storage: its content, or records of it."""

    def __init__(self, source: KeySource, holder: str, secret: str = "") -> None:
        """Sign with the key of one of the server's secrets, that which signs now where none is given."""
        self._source = source
        self._holder = holder.encode("ascii")
        self._key = _held_key(source, secret or secrets()[0])

    def sign(self, opens: SignedContent, expires_at: int, record_key: str = "") -> str:
        """Return a signature that ends at `expires_at` (milliseconds since 1970)."""
        tag = _tag(self._key, self._holder, self._source.resource_id, opens, expires_at, record_key)
        proof = base64.urlsafe_b64encode(_hidden(self._key, tag, self._holder) + tag).decode()
        return _encode(Format.HELD, expires_at, proof)


def parse_signature(signature: str, opens: SignedContent) -> ParsedSignature | None:
    """Take a signature apart: base64url, with padding or without, or the bare code of a record; None for neither."""
    text = signature.rstrip("=")
    if len(text) > _LONGEST or not re.fullmatch(r"[0-9A-Za-z_-]+", text):
        return None
    match = _PAYLOAD.fullmatch(_decoded(text))
    if match is not None:
        version, expires_at, proof = (match[at] or match[at + 3] for at in (1, 2, 3))
        return ParsedSignature(Format(version), int(expires_at), proof, match[0])
    if opens is SignedContent.RECORD and _MAC.fullmatch(signature):
        return ParsedSignature(Format.RECORD, 0, signature, signature)
    return None


def canonical_text(signature: str) -> str:
    """Return the canonical text of a signature that was just made here and has a payload."""
    return _decoded(signature)


def check_content(written: ParsedSignature, keys: Iterable[str], resource_id: str) -> ValidSignature | None:
    """Return what a client's content signature says if it was made with one of `keys`, else None."""
    if written.format is not Format.CONTENT:
        return None
    at = _matching(keys, _content_message(resource_id, written.expires_at), written.proof)
    return None if at is None else ValidSignature(SignedContent.CONTENT, written.text, written.expires_at, at)


def check_record(
    written: ParsedSignature, keys: Iterable[str], resource_id: str, record_key: str
) -> ValidSignature | None:
    """Return what a client's record signature says if it was made for this record with one of `keys`, else None."""
    if written.format is not Format.RECORD or collides_with_signature(record_key, resource_id):
        return None
    at = _matching(keys, record_key, written.proof)
    return None if at is None else ValidSignature(SignedContent.RECORD, written.text, key_at=at)


def check_held(
    written: ParsedSignature, source: KeySource, opens: SignedContent, record_key: str = ""
) -> tuple[ValidSignature, str] | None:
    """Return what a signature that names its holder says, and that holder's code, if the server made it; else None."""
    if written.format is not Format.HELD:
        return None
    proof = base64.urlsafe_b64decode(written.proof)
    hidden, tag = proof[:_HOLDER_BYTES], proof[_HOLDER_BYTES:]
    holder = b""
    for key in [_held_key(source, secret) for secret in secrets()]:
        named = _hidden(key, tag, hidden)
        expected = _tag(key, named, source.resource_id, opens, written.expires_at, record_key)
        if hmac.compare_digest(tag, expected):
            holder = named
    return (ValidSignature(opens, written.text, written.expires_at), holder.decode("ascii")) if holder else None


# A client's content signature and a link to a record of before end in a code in base 62, a held one in base64url.
_PAYLOAD = re.compile(
    rf"(?:({Format.CONTENT}|{Format.RECORD_UNTIL})\.(0|[1-9][0-9]{{0,15}})\.({_MAC.pattern}))"
    rf"|(?:({Format.HELD})\.(0|[1-9][0-9]{{0,15}})\.([0-9A-Za-z_-]{{48}}))"
)


def _decoded(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _matching(keys: Iterable[str], message: str, proof: str) -> int | None:
    """Compare a code with those of all keys, each in constant time and without an early end; return its key's place."""
    number = 0
    for digit in proof:
        number = number * len(_BASE62) + _DIGIT_OF[digit]
    if number.bit_length() > _MAC_BYTES * 8:
        return None
    wanted = number.to_bytes(_MAC_BYTES, "big")
    found = None
    signed = _as_bytes(message)
    for at, key in enumerate(keys):
        found = at if hmac.compare_digest(wanted, _mac_bytes(key, signed)) else found
    return found


def _mac_bytes(key: str, message: bytes) -> bytes:
    return hmac.digest(key.encode(), message, "sha256")[:_MAC_BYTES]


def _as_bytes(message: str) -> bytes:
    """A record's key may come from a URL with anything in it; what is not Unicode text has no signature to match."""
    return message.encode("utf-8", "surrogatepass")


def _content_message(resource_id: str, expires_at: int) -> str:
    return f"{Format.CONTENT}.{expires_at}.{resource_id}"


def _held_key(source: KeySource, secret: str) -> bytes:
    return _derived("sharing.signatures.held", source.text, secret)


def _tag(key: bytes, holder: bytes, resource_id: str, opens: SignedContent, expires_at: int, record_key: str) -> bytes:
    # Nothing before the record's key has a dot in it, so two different links never have one message.
    message = f"tag.{opens}.{expires_at}.{resource_id}.".encode() + holder
    message += b"." + _as_bytes(record_key)
    return hmac.digest(key, message, "sha256")[:_TAG_BYTES]


def _hidden(key: bytes, tag: bytes, holder: bytes) -> bytes:
    """Encrypt the code of a holder, or decrypt it, by a key that the tag gives: the same link is the same text."""
    pad = hmac.digest(key, b"hide." + tag, "sha256")
    return bytes(a ^ b for a, b in zip(holder, pad, strict=False))


@cache
def _fingerprint(secret: str) -> str:
    return _derived("sharing.signatures.fingerprint", "", secret).hex()[:_FINGERPRINT_DIGITS]


def _derived(salt: str, text: str, secret: str) -> bytes:
    return salted_hmac(salt, text, secret=secret, algorithm="sha256").digest()


def _encode(version: Format, expires_at: int, proof: str) -> str:
    return base64.urlsafe_b64encode(f"{version}.{expires_at}.{proof}".encode()).decode().rstrip("=")


def digest(resource_id: str, record_key: str, opens: SignedContent, text: str) -> bytes:
    """Return what is kept of a signature, by which it is recognized: SHA-256 of what it is for and its text."""
    named = "\0".join((resource_id, opens.value, record_key, text))
    return hashlib.sha256(_as_bytes(named)).digest()
