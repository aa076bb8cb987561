"""Refusals as API errors and as pages. They reveal only what the access model allows."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from accounts.lib.api_errors import ApiError, record_not_found
from accounts.middleware import is_api
from accounts.models import AuditEvent
from accounts.organizations.locking import why_not_permitted
from accounts.organizations.permissions import AccountPermission
from accounts.principal import CREATE, HeldBackBy, Principal, Role
from accounts.request_types import ApiRequest, PageRequest
from resources.kinds import KINDS, Kind
from sharing.access import Access, AddressedBy, decide
from sharing.enforcement.explanations import explain, explain_creating, explanation_data
from sharing.facts import ResourceAddress, fetch
from sharing.permissions import Permission
from sharing.visibility.labels import LABELS

_MOST_OFFERED = 50


@dataclass(frozen=True, slots=True)
class RefusalDetails:
    """What the API refused, kept as `request.refused` for the run log.

    `access` is None for what is not there, and for anonymous requests.
    """

    kind: Kind | None = None
    access: Access | None = None
    permission: Permission | None = None


def sign_in_required(request: HttpRequest) -> HttpResponse:
    """Refuse an anonymous request: 401 on the API, a redirect to sign-in on a page."""
    if is_api(request):
        request.refused = RefusalDetails()  # type: ignore[attr-defined]  # our own attribute
        return token_not_provided().response()
    back_to = page_to_return_to(request)
    sign_in = redirect_to_login(back_to, resolve_url(settings.LOGIN_URL))
    return HttpResponseClientRedirect(sign_in.url) if getattr(request, "htmx", False) else sign_in


def token_not_provided() -> ApiError:
    """Return the API's refusal of an anonymous request."""
    return ApiError(
        HTTPStatus.UNAUTHORIZED, "token-not-provided", "This operation needs an API token, and none was provided."
    )


def missing(
    request: HttpRequest,
    kind: Kind,
    id_: str = "",
    *,
    may_belong_to_others: bool = True,
    others: Sequence[Principal] = (),
) -> HttpResponse:
    """Return 404 for a resource that does not exist or must look as if it did not.

    `others` are other accounts of the person that could open it; the page offers to switch to them.
    Its former owner and the user who deleted it are told that it was deleted, for they know it already. What cannot be
    any other's is not refused, it is simply not there: crawlee looks like that whether it has to make a storage.
    """
    if is_api(request):
        if may_belong_to_others:
            request.refused = RefusalDetails(kind)  # type: ignore[attr-defined]  # our own attribute
        return not_found_error(kind).response()
    was_deleted = bool(id_) and _knows_of_deletion(request, id_)
    context = {"info": KINDS[kind], "back_to": page_to_return_to(request), "was_deleted": was_deleted, "others": others}
    return render(request, "not_found.html", context, status=HTTPStatus.NOT_FOUND)


def forbidden_response(request: HttpRequest, access: Access, permission: Permission) -> HttpResponse:
    """Refuse `permission` on a resource that is there.

    A principal who may read it is told what is missing. A run, build or storage that was named by its ID is refused
    in the open, so that a script learns to send a token; everything else might as well not exist.
    """
    kind = access.facts.kind
    if is_api(request):
        error = forbidden_error(access, permission)
        is_own = access.facts.owner_id == access.principal.account_id
        # A name of one's own account that is not there is no refusal (see `missing`), so the log of a run that is
        # held back must not tell of one that is.
        if not (is_own and error.status is HTTPStatus.NOT_FOUND):
            request.refused = RefusalDetails(kind, access, permission)  # type: ignore[attr-defined]  # our own attribute
        return error.response()
    others = _other_accounts(request, access, permission)
    if access.allows(Permission.READ):
        held_back = access.decide(permission).held_back_by
        why = explain(access.principal, held_back, permission, kind, access.facts.id) if held_back else ""
        context = {"info": KINDS[kind], "resource": access.resource, "permission": LABELS[permission], "why": why}
        context |= {"others": others, "back_to": page_to_return_to(request)}
        return render(request, "not_permitted.html", context, status=HTTPStatus.FORBIDDEN)
    return missing(request, kind, others=others)


def forbidden_error(access: Access, permission: Permission) -> ApiError:
    """Return the API's refusal of `permission` on a resource that is there."""
    kind, reads = access.facts.kind, access.allows(Permission.READ)
    if not reads and not (KINDS[kind].general_access and access.addressed_by is AddressedBy.ID):
        return not_found_error(kind)
    held_back = access.decide(permission).held_back_by
    missing = permission if reads or held_back else None
    if held_back is None:
        return insufficient_permissions(kind, missing)
    why = explain(access.principal, held_back, permission, kind, access.facts.id)
    return insufficient_permissions(kind, missing, why, explanation_data(held_back, permission, kind))


def not_found_error(kind: Kind) -> ApiError:
    """Return the API's refusal of what is not there, or must not be told from what is not there."""
    return record_not_found(f"{KINDS[kind].title} was not found.")


def too_many_lookups_response(request: HttpRequest) -> HttpResponse:
    """Return 429 after too many failed lookups by name."""
    if is_api(request):
        return ApiError(
            HTTPStatus.TOO_MANY_REQUESTS,
            "rate-limit-exceeded",
            "Too many lookups of names that were not found. Try again later, or use IDs.",
        ).response()
    context = {"status": HTTPStatus.TOO_MANY_REQUESTS, "message": "Too many names were not found."}
    return render(request, "error.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)


def held_back_from_kind(
    request: HttpRequest, held_back: HeldBackBy, permission: Permission, kind: Kind, *, creates: bool = False
) -> HttpResponse:
    """Refuse a narrowed principal a list of a kind, or where the view `creates` one, a new resource of it."""
    principal = cast("ApiRequest", request).principal
    why = explain_creating(principal, held_back, kind) if creates else explain(principal, held_back, permission, kind)
    data = explanation_data(held_back, permission, kind)
    if creates and held_back is HeldBackBy.SCOPE:
        data["permission"] = CREATE
    if not is_api(request):
        context = {"info": KINDS[kind], "why": why}
        return render(request, "not_permitted.html", context, status=HTTPStatus.FORBIDDEN)
    request.refused = RefusalDetails()  # type: ignore[attr-defined]  # our own attribute
    return ApiError(HTTPStatus.FORBIDDEN, "insufficient-permissions", why, data).response()


def role_lacks_response(request: HttpRequest, permission: AccountPermission, role: Role) -> HttpResponse:
    """Refuse a member what their role does not let them do with the organization itself."""
    why = why_not_permitted(role, permission)
    if not is_api(request):
        return render(request, "not_permitted.html", {"why": why}, status=HTTPStatus.FORBIDDEN)
    data = {"heldBackBy": HeldBackBy.ROLE.value, "permission": permission.value, "kind": "organization"}
    request.refused = RefusalDetails()  # type: ignore[attr-defined]  # our own attribute
    return ApiError(HTTPStatus.FORBIDDEN, "insufficient-permissions", why, data).response()


def own_account_only(request: HttpRequest) -> HttpResponse:
    """Refuse a page about the person to one who acts for an organization, and offer to switch."""
    user = cast("PageRequest", request).user
    context = {"others": [user.principal], "back_to": page_to_return_to(request), "is_personal": True}
    return render(request, "other_account.html", context, status=HTTPStatus.FORBIDDEN)


def token_limited_response(request: HttpRequest, why: str) -> HttpResponse:
    """Refuse a token what its account may do, and say why."""
    request.refused = RefusalDetails()  # type: ignore[attr-defined]  # our own attribute
    return token_limited_error(why).response()


def token_limited_error(why: str) -> ApiError:
    """Return the API's refusal of what a token may not do, though its account may."""
    return ApiError(HTTPStatus.FORBIDDEN, "insufficient-permissions", why)


def insufficient_permissions(
    kind: Kind, missing: Permission | None = None, why: str = "", data: dict[str, Any] | None = None
) -> ApiError:
    """Return the 403 of the API; `missing` names the permission to a reader, `why` and `data` a narrowing."""
    message = (
        f"Insufficient permissions for the {KINDS[kind].noun}. Make sure you're passing a correct API token and that "
        "it has the required permissions."
    )
    if missing is not None:
        message += f" Missing permission: {missing.name}."
    if why:
        message += f" {why}"
    return ApiError(HTTPStatus.FORBIDDEN, "insufficient-permissions", message, data)


def _other_accounts(request: HttpRequest, access: Access, permission: Permission) -> list[Principal]:
    """Return the person as they act for other accounts of theirs that may do what this one may not."""
    asked = cast("PageRequest", request)
    if not asked.user.is_authenticated:
        return []
    mine = [asked.user.principal, *asked.organizations][:_MOST_OFFERED]
    return [each for each in mine if each.account_id != access.principal.account_id and _may(each, access, permission)]


def _may(principal: Principal, access: Access, permission: Permission) -> bool:
    found = fetch(ResourceAddress(access.facts.kind, id=access.facts.id), principal.account_id, only_facts=True)
    return found is not None and decide(principal, found.facts, permission, access.addressed_by).allowed


def _knows_of_deletion(request: HttpRequest, id_: str) -> bool:
    me = cast("ApiRequest", request).principal.account_id
    known = Q(account_id=me) | Q(actor_id=me)
    return bool(me) and AuditEvent.objects.filter(known, action="resource.deleted", subject_id=id_).exists()


def page_to_return_to(request: HttpRequest) -> str:
    """Return the page to come back to after sign-in: this one, or for a form or fragment the one that it was on."""
    if request.method in ("GET", "HEAD") and not getattr(request, "htmx", False):
        return request.get_full_path()
    shown = getattr(getattr(request, "htmx", None), "current_url_abs_path", None)
    if shown:
        return str(shown)
    referer = request.META.get("HTTP_REFERER", "")
    same_host = url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure())
    return referer if same_host else "/"
