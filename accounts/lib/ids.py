"""Identifiers of accounts, resources and everything else that has a row of its own."""

import re
import secrets
import string

ALPHABET = string.digits + string.ascii_lowercase + string.ascii_uppercase
LENGTH = 17
PATTERN = re.compile(rf"[0-9a-zA-Z]{{{LENGTH}}}\Z")


def new_id() -> str:
    """Return a new random identifier: 17 characters of 0-9a-zA-Z, about 101 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def looks_like_id(text: str) -> bool:
    """Tell whether `text` has the form of an identifier, whether or not it names anything."""
    return PATTERN.match(text) is not None
