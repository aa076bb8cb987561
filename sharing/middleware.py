"""Where a request gets stopped: the one place that enforces what views declare.

It fetches the resource that the URL names, with its facts, asks for the decision, and either lets the view work
with `request.resource` or answers with the refusal of the access model. The view never sees the address.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from accounts import enumeration
from accounts.holders import Holder
from accounts.lib.api_errors import ApiError
from accounts.middleware import UNKNOWN_TOKEN, is_api, reload_principal
from accounts.principal import HeldBackBy, Principal
from accounts.request_context import judge_at_new_moment
from accounts.request_types import ApiRequest
from accounts.tokens import UnknownToken
from resources.kinds import Kind
from resources.models import Resource
from sharing import token_limits
from sharing.access import NO_ACCESS, Access, AddressedBy, Decision, Facts, decide
from sharing.declare import Requires, SignedIn, Takes, declared, requirement_for
from sharing.enforcement import reauthorize, refusals, resource_addresses
from sharing.enforcement.reauthorize import Reauthorizer
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.facts import ResourceAddress, fetch
from sharing.links import check_signature
from sharing.narrowings.held_back import held_back_by, held_back_from_all, held_back_from_creating, without_roles
from sharing.narrowings.role import roles_let
from sharing.permissions import Permission
from sharing.signatures import SignedContent

RECORD_KEY = "key"
_RESOURCES = "resource"


class AccessMiddleware:
    """Enforces the declarations."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; the work is done once it is known which view it is for."""
        response = self.get_response(request)
        reauthorize.reauthorize_stream(request, response)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Answer with a refusal, or return None to let the view answer."""
        return authorize(request, view, kwargs)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer with the refusal of a request whose access has gone while its body came."""
        return exception.response if isinstance(exception, reauthorize.NoLongerAllowed) else None


def authorize(request: HttpRequest, view: Callable[..., Any], kwargs: dict[str, Any]) -> HttpResponse | None:
    """Return the refusal, or None to let the view answer; what names the resource is taken out of `kwargs`.

    Raises:
        PermissionDenied: for a view that does not declare what it needs.
    """
    need = requirement_for(view, request.method or "")
    if need is None:
        if declared(view):
            return None  # the view answers with the methods that it knows
        raise PermissionDenied(f"{view!r} does not declare what it needs.")
    if isinstance(need, Requires):
        request.needed_permissions = need.permissions  # type: ignore[attr-defined]  # our own attribute
        return _on_resource(request, need, kwargs)
    if isinstance(need, SignedIn):
        if need.permission is not None:
            request.needed_permissions = (need.permission,)  # type: ignore[attr-defined]  # our own attribute
        refusal = _signed_in(request, need, cast("ApiRequest", request).principal)
        _set_judge(request, _signed_in, need)
        return refusal
    return None


def _set_judge(request: Any, ask: Callable[[Any, Any, Principal], HttpResponse | None], question: Any) -> None:
    """Leave on a request what judges it again: `ask`, about `question`, with the principal that it speaks for then."""
    request.judge = Reauthorizer(_again, request, ask, question)


def _again(
    request: HttpRequest, ask: Callable[[Any, Any, Principal], HttpResponse | None], question: Any
) -> HttpResponse | None:
    judge_at_new_moment()
    try:
        principal = reload_principal(request)
    except UnknownToken:
        return UNKNOWN_TOKEN.response()
    if principal.account_id != cast("ApiRequest", request).principal.account_id:
        return refusals.sign_in_required(request)
    return ask(request, question, principal)


def _signed_in(request: HttpRequest, need: SignedIn, principal: Principal) -> HttpResponse | None:
    if principal.is_anonymous:
        return refusals.sign_in_required(request)
    if need.takes is Takes.WHOLE_ACCOUNT and not token_limits.speaks_for_whole_account(principal):
        return refusals.token_limited_response(request, token_limits.why_not_whole_account(principal))
    if need.takes is Takes.PERSON and principal.person_id:
        return refusals.own_account_only(request)
    lacking = _role_lacks(request, need, principal)
    if lacking is not None:
        return lacking
    wanted = [(need.kind, need.permission)] if need.kind and need.permission else []
    for kind, permission in [*wanted, *((kind, Permission.READ) for kind in need.reads)]:
        held_back = _held_back(need, principal, permission, kind)
        if held_back is None and token_limits.is_withheld_from_run(principal, permission, kind):
            held_back = HeldBackBy.RUN
        if held_back and not (held_back is HeldBackBy.RUN and need.runs_too):
            return refusals.held_back_from_kind(request, held_back, permission, kind, creates=need.creates)
    if need.not_for_runs and token_limits.is_restrained_run(principal):
        return refusals.token_limited_response(request, token_limits.why_restrained(principal, token_limits.ACCOUNT))
    return None


def _role_lacks(request: HttpRequest, need: SignedIn | Requires, principal: Principal) -> HttpResponse | None:
    """Return the refusal where a role does not have the permission in the account that a view takes; None: it has."""
    if need.account_permission is None:
        return None
    lacking = principal.role_lacking(need.account_permission)
    return None if lacking is None else refusals.role_lacks_response(request, need.account_permission, lacking)


def _held_back(need: SignedIn, principal: Principal, permission: Permission, kind: Kind) -> HeldBackBy | None:
    if need.creates:
        return held_back_from_creating(principal, kind)
    if need.lists:  # what a role does not let pass is left out
        principal = without_roles(principal)
    return held_back_from_all(principal, permission, kind)


def _on_resource(request: HttpRequest, need: Requires, kwargs: dict[str, Any]) -> HttpResponse | None:
    request = cast("ResourceApiRequest", request)
    principal = request.principal
    address_needs_account = resource_addresses.needs_principal(kwargs)
    kind = need.kind or resource_addresses.pop_kind(kwargs)
    try:
        address = resource_addresses.pop_address(kind, kwargs, principal, request)
    except ApiError as error:
        return error.response()
    if address_needs_account and token_limits.is_limited_run(principal):
        return refusals.token_limited_response(request, token_limits.why_restrained(principal, token_limits.LAST_RUNS))
    permissions = need.permissions
    if need.or_about_oneself and _is_about_oneself(request, need, kwargs):
        permissions = (Permission.READ,)
    if principal.is_anonymous and (
        need.needs_account or address_needs_account or Permission.READ not in permissions or not is_api(request)
    ):
        return refusals.sign_in_required(request)
    beyond = _beyond_token(request, need, principal)
    if beyond is not None:
        return beyond
    found = (
        fetch(address, principal.account_id, only_facts=need.only_facts, holder=Holder.of(principal))
        if address
        else None
    )
    if found is None or address is None:
        return _too_many_names(request, address) or _missing(request, kind, address)
    resource = cast("Resource", SimpleLazyObject(lambda: found.resource))
    access = Access(principal, resource, found.facts, address.by)
    question = _Question(need, permissions, address_needs_account, kwargs.get(RECORD_KEY, ""))
    decision = _decided(request, access, question)
    if not decision.allowed:
        stopped = None if access.allows(Permission.READ) else _too_many_names(request, address)
        return stopped or refusals.forbidden_response(request, access, permissions[0])
    request.resource = resource
    request.access = access
    request.decision = decision
    _set_judge(request, _on_same_resource, question)
    return None


def _beyond_token(request: HttpRequest, need: Requires, principal: Principal) -> HttpResponse | None:
    """Return the refusal where a principal does not speak for all that a view is about; None: it does."""
    if need.account_wide and not token_limits.speaks_for_whole_account(principal):
        return refusals.token_limited_response(request, token_limits.why_not_whole_account(principal))
    held_back = need.lists and held_back_from_all(without_roles(principal), Permission.READ, need.lists)
    if need.lists and held_back:
        return refusals.held_back_from_kind(request, held_back, Permission.READ, need.lists)
    for kind in need.reads:
        held_back = held_back_from_all(principal, Permission.READ, kind)
        if held_back:
            return refusals.held_back_from_kind(request, held_back, Permission.READ, kind)
    if need.kind and need.role_lets and not roles_let(principal, need.role_lets, need.kind):
        return refusals.held_back_from_kind(request, HeldBackBy.ROLE, need.role_lets, need.kind)
    return _role_lacks(request, need, principal)


class _Question(NamedTuple):
    """What is asked about a resource, at first and again: one of `permissions`, of the record `key` if there is one."""

    need: Requires
    permissions: tuple[Permission, ...]
    address_needs_account: bool
    key: str


def _decided(request: ResourceApiRequest, access: Access, question: _Question) -> Decision:
    need, principal, facts = question.need, access.principal, access.facts
    decision = _first_allowed(access, question.permissions)
    if question.address_needs_account and held_back_by(principal, Permission.READ, facts):
        decision = NO_ACCESS  # to a request with no token at all this address means nothing, open or not
    if not decision.allowed and need.signed and "signature" in request.GET:
        decision = _by_signature(access, need.signed, request.GET["signature"], question.key)
    return decision


def _on_same_resource(request: ResourceApiRequest, question: _Question, principal: Principal) -> HttpResponse | None:
    """Judge a request again on the resource that it was let through to, also if its address leads elsewhere now."""
    before, kind = request.access, request.access.facts.kind
    beyond = _beyond_token(request, question.need, principal)
    if beyond is not None:
        return beyond
    found = fetch(ResourceAddress(kind, id=before.facts.id), principal.account_id, only_facts=True)
    if found is None:
        return refusals.missing(request, kind, before.facts.id)
    named_before, named_now = _owner_and_name(before.facts), _owner_and_name(found.facts)
    by = before.addressed_by if named_before == named_now else AddressedBy.ID
    access = Access(principal, before.resource, found.facts, by)
    if _decided(request, access, question).allowed:
        return None
    return refusals.forbidden_response(request, access, question.permissions[0])


def _owner_and_name(facts: Facts) -> tuple[str, str | None]:
    return facts.owner_username.lower(), facts.name


def _too_many_names(request: ApiRequest, address: ResourceAddress | None) -> HttpResponse | None:
    """Count a failed lookup by name, and refuse a client with too many of them.

    Whether nothing is there or it may not be read is counted alike. The principal's own names are no secret, and an
    ID is not guessed.
    """
    principal = request.principal
    if address is None or address.by is AddressedBy.ID or _is_own_name(address, principal):
        return None
    too_many = enumeration.count_miss(_RESOURCES, enumeration.client_key(request, principal))
    return refusals.too_many_lookups_response(request) if too_many else None


def _missing(request: ApiRequest, kind: Kind, address: ResourceAddress | None) -> HttpResponse:
    may_belong_to_others = address is not None and not _is_own_name(address, request.principal)
    return refusals.missing(request, kind, address.id if address else "", may_belong_to_others=may_belong_to_others)


def _is_own_name(address: ResourceAddress, principal: Principal) -> bool:
    return address.by is AddressedBy.NAME and address.username.lower() == principal.username.lower()


def _by_signature(access: Access, opens: SignedContent, signature: str, record_key: str) -> Decision:
    """Rule 11. The URL names the record that a signature of a record has to be for."""
    signed = check_signature.verify(signature, access.facts, opens, record_key)
    return decide(access.principal, access.facts, Permission.READ, access.addressed_by, signed)


def _is_about_oneself(request: ApiRequest, need: Requires, kwargs: dict[str, Any]) -> bool:
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
