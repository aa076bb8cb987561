"""Second factors whose secret the server cannot read, because it was encrypted with a SECRET_KEY that is not known."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt
from django.core.exceptions import ValidationError

UNREADABLE = "unreadable"
"""The code of the ValidationError that `MfaAdapter.decrypt` raises."""


def is_readable(factor: Authenticator) -> bool:
    """Tell whether the server can read the secret of a factor; a passkey has none here."""
    return _read(factor) is not None


def codes_left(codes: Authenticator) -> int | None:
    """Return how many recovery codes are left, None where they cannot be read."""
    unused: list[str] | None = _read(codes)
    return None if unused is None else len(unused)


def is_unreadable(error: ValidationError) -> bool:
    """Tell whether an error says that a secret cannot be read."""
    return getattr(error, "code", None) == UNREADABLE


def _read(factor: Authenticator) -> Any:
    """Return what is in a factor; None where it cannot be read."""
    try:
        if factor.type == Authenticator.Type.RECOVERY_CODES:
            return factor.wrap().get_unused_codes()
        return decrypt(factor.data["secret"]) if factor.type == Authenticator.Type.TOTP else factor
    except ValidationError as error:
        if not is_unreadable(error):
            raise
        return None
