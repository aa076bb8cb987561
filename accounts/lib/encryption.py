"""Encryption of what the server has to know and its database must not tell: secret variables, second factors and so on.

The key is derived from SECRET_KEY, so a copy of the database alone tells nothing. After a change of SECRET_KEY what was
written before is read with SECRET_KEY_FALLBACKS.
"""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

_SALT = "resources.encryption"  # where this module was: it is part of every key, so it stays


class CannotDecrypt(ValueError):
    """The text was not encrypted by this server, or with a SECRET_KEY that it does not know any more."""


def encrypt(text: str) -> str:
    """Return `text` encrypted and authenticated, as ASCII; never the same twice."""
    return _fernet(_keys()).encrypt(text.encode()).decode("ascii")


def decrypt(text: str) -> str:
    """Return what `encrypt` was given.

    Raises:
        CannotDecrypt: when it was not encrypted with a key that this server knows.
    """
    try:
        return _fernet(_keys()).decrypt(text.encode()).decode()
    except InvalidToken:
        raise CannotDecrypt("This was encrypted with another SECRET_KEY.") from None


def can_decrypt(text: str) -> bool:
    """Tell whether `text` was encrypted with a key that this server knows."""
    try:
        decrypt(text)
    except CannotDecrypt:
        return False
    return True


def _keys() -> tuple[str, ...]:
    return tuple(str(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _fernet(secrets: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(secret)) for secret in secrets])


def _derived(secret: str) -> bytes:
    return base64.urlsafe_b64encode(salted_hmac(_SALT, "key", secret=secret, algorithm="sha256").digest())
