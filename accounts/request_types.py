"""Types of requests after the accounts middleware."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import Account
from accounts.principal import Principal


class ApiRequest(HttpRequest):
    """A request to the HTTP API: a principal from its token, and no user."""

    principal: Principal


class PageRequest(ApiRequest):
    """A request for a page: the account that is signed in, and what htmx says."""

    user: Account
    htmx: HtmxDetails
