"""What the key of a record is made of, and how a list of keys is narrowed down."""

import re
from dataclasses import dataclass

from resources.models.key_value_store import MAX_KEY_LENGTH

RULES = f"Use 1 to {MAX_KEY_LENGTH} characters of a-z, A-Z, 0-9 and !-_.'() for a key."
_KEY = re.compile(rf"[a-zA-Z0-9!\-_.'()]{{1,{MAX_KEY_LENGTH}}}\Z")
# Whatever puts a URL together takes these for directions, so no record could ever be reached by one.
_DIRECTIONS = (".", "..")


class InvalidKey(ValueError):
    """A key that no record can have; the message says what a key is made of."""


def can_be_key(text: str) -> bool:
    """Tell whether a record could have this key, in any store."""
    return _KEY.match(text) is not None and text not in _DIRECTIONS


def can_be_stored(text: str) -> bool:
    """Tell whether a store could hold a record with this key: "." and ".." from before they were refused, too."""
    return _KEY.match(text) is not None


def check_key(text: str, store_id: str) -> None:
    """Let a key through under which a record may be written.

    Raises:
        InvalidKey: when it is not made of what keys are made of, or is kept for signatures.
    """
    if not can_be_key(text):
        raise InvalidKey(RULES)
    if collides_with_signature(text, store_id):
        raise InvalidKey("This key cannot be written: a signature of it would open the list of keys as well.")


def collides_with_signature(key: str, resource_id: str) -> bool:
    """Tell whether a record key is a message that content signatures are made of, such as `0.0.<storeId>`.

    One message must not serve two purposes: such keys cannot be signed as records and cannot be written. The
    version is whatever clients may one day put there.
    """
    return re.fullmatch(rf"[^.]*\.[^.]*\.{re.escape(resource_id)}", key, re.DOTALL) is not None


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Which keys are wanted: those that start with each of `prefixes`, and are `exact` if that is given."""

    prefixes: tuple[str, ...] = ()
    exact: str | None = None

    @property
    def matches_nothing(self) -> bool:
        """Whether no key can be like this, so that no look is needed."""
        return any(prefix != "" and not _KEY.match(prefix) for prefix in self.prefixes)
