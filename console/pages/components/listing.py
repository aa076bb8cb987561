"""What every list of resources has in common: mine and shared with me, a filter by name or ID, and pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from accounts.principal import Principal
from accounts.request_types import PageRequest
from console.pages.components.tables import ROWS, Paging
from resources.jobs.status import JobStatus
from resources.kinds import KINDS, Kind
from sharing.lists import Filters, Listed, Ownership, count_listed, listed

LONGEST_SEARCH = 100
_OWNERSHIPS = ((Ownership.BOTH, "All"), (Ownership.MINE, "Mine"), (Ownership.SHARED, "Shared with me"))


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list: what was found, and what the templates of lists need besides the rows made of it."""

    found: list[Listed]
    context: dict[str, Any]


def get_listing(request: PageRequest, kind: Kind, *, by_status: bool = False) -> Listing:
    """Return the page of a list of one kind that a query asks for; `by_status` lets it ask for runs of one status."""
    query = request.GET
    filters = Filters(
        ownership=Ownership.__members__.get(query.get("ownership", "").upper(), Ownership.BOTH),
        kinds=(kind,),
        named_only=query.get("named") == "1",
        search=query.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH],
        statuses=[JobStatus(status)] if by_status and (status := query.get("status", "")) in JobStatus else (),
    )
    paging = get_paging(query, request.principal, **filters)
    context: dict[str, Any] = {
        **filters,
        "info": KINDS[kind],
        "list_path": f"/{KINDS[kind].console_path}",
        "paging": paging,
        "is_filtered": _is_filtered(filters),
        "ownerships": _OWNERSHIPS,
        "status_choices": JobStatus.choices if by_status else (),
    }
    return Listing(listed(request.principal, **filters, offset=paging.offset, limit=paging.size), context)


def get_paging(query: Mapping[str, str], principal: Principal, **filters: Unpack[Filters]) -> Paging:
    """Return which page of a list a query asks for; `filters` are those of `listed`."""
    if list(filters.get("kinds") or ()) == [Kind.RUN]:  # whose number is known (resources/models/run_count.py)
        return Paging.of(query, count_listed(principal, **filters), ROWS)
    return Paging.counting(query, lambda most: count_listed(principal, **filters, at_most=most), ROWS)


def _is_filtered(filters: Filters) -> bool:
    narrowed = filters["ownership"] is not Ownership.BOTH
    return bool(narrowed or filters["search"] or filters["named_only"] or filters["statuses"])


def render_list(request: PageRequest, area: str, context: dict[str, Any]) -> HttpResponse:
    """Return the page of a list, or for htmx, when a filter has changed, its rows alone."""
    response = render(request, f"{area}/_list.html" if request.htmx else f"{area}/list.html", context)
    patch_vary_headers(response, ("HX-Request",))
    return response
