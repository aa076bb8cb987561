"""The URL of a source in what a build keeps of its version: it may hold a password, so it is encrypted."""

from collections.abc import Mapping
from typing import Any

from accounts.lib.encrypted_text import UnreadableText
from accounts.lib.encryption import CannotDecrypt, decrypt, encrypt


def encrypt_source_url(url: str) -> str:
    """Return the URL as a build keeps it under `sourceUrl`: encrypted, "" where there is none.

    One that cannot be decrypted is kept as it is stored, so that the build fails and says why.
    """
    if isinstance(url, UnreadableText):
        return url.stored
    return encrypt(url) if url else ""


def get_source_url(kept: Mapping[str, Any]) -> str:
    """Return the URL in what a build keeps, "" where there is none.

    Raises:
        CannotDecrypt: when SECRET_KEY has been changed since.
    """
    text = kept.get("sourceUrl") or ""
    return decrypt(text) if text else ""


def get_readable_source_url(kept: Mapping[str, Any]) -> str | None:
    """Return the URL in what a build keeps, to be shown; None where it cannot be read any more."""
    try:
        return get_source_url(kept)
    except CannotDecrypt:
        return None
