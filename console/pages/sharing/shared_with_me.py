"""Shared with me: resources of other owners that the user can read, by kind, newest first."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.request_types import PageRequest
from console.pages.components.listing import get_paging
from console.pages.components.shared_rows import build_rows
from resources.kinds import KINDS, Kind
from sharing.declare import account_wide
from sharing.lists import Ownership, listed


@account_wide
@require_safe
def list_shared(request: PageRequest) -> HttpResponse:
    """Show a page of what is shared with one, of all kinds or of one."""
    kind = _kind(request.GET.get("kind", ""))
    kinds = [kind] if kind else None
    me = request.account.pk
    paging = get_paging(request.GET, request.principal, ownership=Ownership.SHARED, kinds=kinds)
    found = listed(request.principal, ownership=Ownership.SHARED, kinds=kinds, offset=paging.offset, limit=paging.size)
    context = {
        "rows": build_rows(found, me),
        "paging": paging,
        "kinds": KINDS.values(),
        "kind": KINDS[kind] if kind else None,
    }
    return render(request, "sharing/shared_with_me.html", context)


def _kind(text: str) -> Kind | None:
    return Kind(text) if text in set(Kind) else None
