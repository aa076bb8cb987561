"""Types of requests after the accounts middleware."""

from collections.abc import Sequence

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import Account
from accounts.principal import Principal


class ApiRequest(HttpRequest):
    """A request to the HTTP API: a principal from its token, and no user."""

    principal: Principal


class PageRequest(ApiRequest):
    """A request for a page: the person who is signed in, the account that they act for, and what htmx says.

    `organizations` is the person as they act for each organization of theirs; it is loaded when it is asked for.
    """

    user: Account
    account: Account
    organizations: Sequence[Principal]
    htmx: HtmxDetails
