"""Find an account by user ID, username or email; rate-limit failed lookups, on the API and in the console together.

Only lookups that find no account are counted, so a script may share a thousand datasets with its colleagues. A client
with too many of them gets no answer for a while, of names that exist either, except for its own account and those that
it knows already.
"""

from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import enumeration
from accounts.models import Account
from accounts.principal import Principal

_ACCOUNTS = "account"


class TooManyLookups(Exception):
    """The client has named too many accounts that do not exist."""


def find_account(
    request: HttpRequest, principal: Principal, text: str, known: QuerySet[Account] | None = None
) -> Account | None:
    """Return the active account with this user ID, username or e-mail, or None.

    The client's own account and the `known` ones are always found, active or not.

    Raises:
        TooManyLookups: when the client has named too many that do not exist.
    """
    if principal.is_called(text):
        known = Account.objects.filter(pk=principal.account_id)
    account = Account.objects.find(text, among=known) if known is not None else None
    return account or _look_up(text, enumeration.client_key(request, principal))


def _look_up(text: str, who: str) -> Account | None:
    if enumeration.is_limited(_ACCOUNTS, who):
        raise TooManyLookups
    account = Account.objects.find(text)
    if account is None and enumeration.count_miss(_ACCOUNTS, who):
        raise TooManyLookups
    return account
