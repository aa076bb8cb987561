"""Digests of the server's secrets, by which a process says in the database which of them it knows."""

from django.conf import settings
from django.utils.crypto import salted_hmac

_SALT = "latchkey.known-secret"


def digest(secret: str) -> str:
    """Return the digest of a secret, 32 hexadecimal digits, from which it cannot be had."""
    return salted_hmac(_SALT, "digest", secret=secret, algorithm="sha256").hexdigest()[:32]


def digests() -> str:
    """Return the digests of the secrets of this process, separated by spaces: that which it writes with comes first."""
    return " ".join(digest(str(secret)) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))
