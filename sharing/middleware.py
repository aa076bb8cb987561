"""Where a request gets stopped: the one place that enforces what views declare.

It fetches the resource that the URL names, with its facts, asks for the decision, and either lets the view work
with `request.resource` or answers with the refusal of the access model. The view never sees the address.
"""

from collections.abc import Callable
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from accounts import lookups
from accounts.errors import ApiError
from accounts.middleware import is_api
from accounts.principal import Principal
from accounts.requests import ApiRequest
from resources.kinds import Kind
from resources.models import Resource
from sharing import addresses, links, narrowing, refusals
from sharing.access import NO_ACCESS, Access, AddressedBy, Decision, decide
from sharing.declare import Needs, SignedIn, Takes, declared, need_of
from sharing.facts import Address, fetch
from sharing.permissions import Permission
from sharing.requests import ResourceApiRequest
from sharing.signatures import Opens

RECORD_KEY = "key"
_RESOURCES = "resource"


class AccessMiddleware:
    """Enforces the declarations."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; the work is done once it is known which view it is for."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Answer with a refusal, or return None to let the view answer."""
        return stop(request, view, kwargs)


def stop(request: HttpRequest, view: Callable[..., Any], kwargs: dict[str, Any]) -> HttpResponse | None:
    """Return the refusal, or None to let the view answer; what names the resource is taken out of `kwargs`.

    Raises:
        PermissionDenied: for a view that does not declare what it needs.
    """
    need = need_of(view, request.method or "")
    if need is None:
        if declared(view):
            return None  # the view answers with the methods that it knows
        raise PermissionDenied(f"{view!r} does not declare what it needs.")
    if isinstance(need, Needs):
        return _on_resource(request, need, kwargs)
    return _signed_in(request, need) if isinstance(need, SignedIn) else None


def _signed_in(request: HttpRequest, need: SignedIn) -> HttpResponse | None:
    principal = cast("ApiRequest", request).principal
    if principal.is_anonymous:
        return refusals.nobody(request)
    if need.takes is Takes.WHOLE_ACCOUNT and not narrowing.speaks_for_whole_account(principal):
        return refusals.narrowed(request, narrowing.why_not_whole_account(principal))
    wanted = [(need.kind, need.permission)] if need.kind and need.permission else []
    for kind, permission in [*wanted, *((kind, Permission.READ) for kind in need.reads)]:
        if not principal.scope_allows(permission.name or "", kind):
            return refusals.out_of_scope(kind, permission)
        if not need.runs_too and narrowing.is_withheld_from_run(principal, permission, kind):
            return refusals.narrowed(request, narrowing.why_withheld(permission, kind))
    if need.not_for_runs and narrowing.is_run_of_other_account(principal):
        return refusals.narrowed(request, narrowing.ACCOUNT)
    return None


def _on_resource(request: HttpRequest, need: Needs, kwargs: dict[str, Any]) -> HttpResponse | None:
    request = cast("ResourceApiRequest", request)
    principal = request.principal
    needs_somebody = addresses.needs_somebody(kwargs)
    nameless = principal.is_anonymous and needs_somebody
    kind = need.kind or addresses.take_kind(kwargs)
    try:
        address = addresses.take_address(kind, kwargs, principal, request)
    except ApiError as error:
        return error.response()
    permissions = need.permissions
    if need.or_about_oneself and _is_about_oneself(request, need, kwargs):
        permissions = (Permission.READ,)
    by_somebody = need.by_somebody or nameless or not is_api(request) or Permission.READ not in permissions
    if principal.is_anonymous and by_somebody:
        return refusals.nobody(request)
    if need.account_wide and not narrowing.speaks_for_whole_account(principal):
        return refusals.narrowed(request, narrowing.why_not_whole_account(principal))
    if need.lists and not principal.scope_allows(Permission.READ.name or "", need.lists):
        return refusals.out_of_scope(need.lists, Permission.READ)
    found = fetch(address, principal.account_id, only_facts=need.only_facts) if address else None
    if found is None or address is None:
        return _too_many_names(request, address) or _missing(request, kind, address)
    resource = cast("Resource", SimpleLazyObject(lambda: found.resource))
    access = Access(principal, resource, found.facts, address.by)
    decision = _first_allowed(access, permissions)
    if needs_somebody and not principal.scope_allows(Permission.READ.name or "", kind, found.facts.id):
        decision = NO_ACCESS  # to somebody with no token at all this address means nothing, open or not
    if not decision.allowed and need.signed and "signature" in request.GET:
        decision = _by_signature(access, need.signed, request.GET["signature"], kwargs)
    if not decision.allowed:
        stopped = None if access.allows(Permission.READ) else _too_many_names(request, address)
        return stopped or refusals.refused(request, access, permissions[0])
    request.resource = resource
    request.access = access
    request.decision = decision
    return None


def _too_many_names(request: ApiRequest, address: Address | None) -> HttpResponse | None:
    """Count a name that found nothing to read, and stop whoever goes through a list of them.

    Whether nothing is there or it may not be read is counted alike. Names of one's own are nobody's secret, and an
    ID is not guessed.
    """
    principal = request.principal
    if address is None or address.by is AddressedBy.ID or _is_own_name(address, principal):
        return None
    too_many = lookups.miss_is_too_many(_RESOURCES, lookups.who_asks(request, principal))
    return refusals.too_many_names(request) if too_many else None


def _missing(request: ApiRequest, kind: Kind, address: Address | None) -> HttpResponse:
    may_be_anothers = address is not None and not _is_own_name(address, request.principal)
    return refusals.missing(request, kind, address.id if address else "", may_be_anothers=may_be_anothers)


def _is_own_name(address: Address, principal: Principal) -> bool:
    return address.by is AddressedBy.NAME and address.username.lower() == principal.username.lower()


def _by_signature(access: Access, opens: Opens, signature: str, kwargs: dict[str, Any]) -> Decision:
    """Rule 11. The URL names the record that a signature of a record has to be for."""
    signed = links.opened_by(signature, access.facts, opens, kwargs.get(RECORD_KEY, ""))
    return decide(access.principal, access.facts, Permission.READ, access.addressed_by, signed)


def _is_about_oneself(request: ApiRequest, need: Needs, kwargs: dict[str, Any]) -> bool:
    argument = need.or_about_oneself or ""
    text = kwargs.get(argument, request.GET.get(argument))
    if text is None:
        return need.oneself_by_default and not request.principal.is_anonymous
    return request.principal.is_called(text)


def _first_allowed(access: Access, permissions: tuple[Permission, ...]) -> Decision:
    for permission in permissions:
        decision = access.decide(permission)
        if decision.allowed:
            return decision
    return NO_ACCESS
