"""Ask the owner for access, from the page that says that the resource is not shared with the user."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts import audit
from accounts.lib.rate_limits import count_use
from accounts.request_types import PageRequest
from resources.kinds import Kind
from resources.models import Resource
from sharing.access import Access
from sharing.declare import Requires, account_wide, requirement_for
from sharing.facts import fetch, parse_address
from sharing.mail.share_mail import email_access_requested
from sharing.permissions import Permission

LIMIT, LIMIT_SECONDS = 20, 3600
AGAIN_SECONDS = 24 * 3600


@account_wide
@require_POST
def request_access(request: PageRequest) -> HttpResponse:
    """Ask the owner of what a page shows for access to it; the answer is the same whether it exists or not."""
    page = request.POST.get("page", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        page = "/"
    if not count_use("ask-for-access", request.account.pk, LIMIT, LIMIT_SECONDS):
        messages.error(request, "You have asked for access many times. Wait an hour, then try again.")
        return redirect(page)
    wanted = _wanted(request, page)
    if wanted is not None and count_use("ask-for-access-to", f"{request.account.pk} {wanted.pk}", 1, AGAIN_SECONDS):
        _record(request, wanted)
    messages.success(request, "Request sent. If it exists, its owner will get an email.")
    return redirect(page)


def _wanted(request: PageRequest, page: str) -> Resource | None:
    """Return the resource that a page of the console is about, unless the asker can read it anyway."""
    try:
        match = resolve(page.partition("?")[0].partition("#")[0])
    except Resolver404:
        return None
    need = requirement_for(match.func, "GET")
    if not isinstance(need, Requires) or "address" not in match.kwargs:
        return None
    kind = need.kind or Kind(match.kwargs["kind"])
    address = parse_address(kind, match.kwargs["address"], request.principal)
    found = fetch(address, request.principal.account_id) if address else None
    if found is None or address is None:
        return None
    access = Access(request.principal, found.resource, found.facts, address.by)
    return None if access.allows(Permission.READ) else found.resource


def _record(request: PageRequest, wanted: Resource) -> None:
    with transaction.atomic():
        audit.record(
            "access.requested",
            by=request.principal,
            account_id=wanted.owner_id,
            subject_kind=wanted.kind,
            subject_id=wanted.pk,
            name=wanted.name,
        )
        email_access_requested(wanted, wanted.owner, by=request.principal)
