"""Find an account by user ID, username or email, with the API's answer to too many failed lookups."""

from http import HTTPStatus

from django.db.models import QuerySet

from accounts import lookups
from accounts.lib.api_errors import ApiError
from accounts.models import Account
from accounts.request_types import ApiRequest


def find_account(request: ApiRequest, text: str, known: QuerySet[Account] | None = None) -> Account | None:
    """Return the active account with this user ID, username or e-mail, or None: see `accounts.lookups`.

    Raises:
        ApiError: 429 when the client has named too many that do not exist.
    """
    try:
        return lookups.find_account(request, request.principal, text, known)
    except lookups.TooManyLookups:
        raise ApiError(
            HTTPStatus.TOO_MANY_REQUESTS,
            "rate-limit-exceeded",
            "Too many lookups of accounts that do not exist. Try again later.",
        ) from None
