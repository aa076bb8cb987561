"""The lists of storages, tasks and schedules: the user's own, those shared with the user, or both."""

from collections.abc import Sequence
from typing import Any, Protocol

from django.http import HttpResponse

from accounts.principal import Principal
from accounts.request_types import ApiRequest
from console.http import json_responses
from console.http.pagination import Page, flag, parse_choice
from resources.kinds import KINDS, Kind
from sharing.lists import Listed, Ownership, count_listed, listed

OWNERSHIPS = {"ownedByMe": Ownership.MINE, "sharedWithMe": Ownership.SHARED}


class SerializeItems(Protocol):
    """Serializes the rows of a page, in a number of queries that does not grow with them."""

    def __call__(self, rows: Sequence[Listed], principal: Principal, /) -> list[dict[str, Any]]:
        """Return the rows as the API shows them to `principal`, without those that are gone meanwhile."""


def list_response(request: ApiRequest, kind: Kind, serialize_items: SerializeItems) -> HttpResponse:
    """Answer with a page of the resources of a kind that the account may read.

    Storages without a name are left out, unless `unnamed` asks for them too.

    Raises:
        ApiError: 400 naming the parameter that is wrong.
    """
    page = Page.from_query(request.GET)
    wanted: dict[str, Any] = {
        "ownership": parse_choice(request.GET, "ownership", OWNERSHIPS, Ownership.BOTH),
        "kinds": [kind],
    }
    more = {}
    if KINDS[kind].storage:
        more["unnamed"] = flag(request.GET, "unnamed")
        wanted["named_only"] = not more["unnamed"]
    rows = listed(request.principal, **wanted, offset=page.offset, limit=page.limit, newest_first=page.desc)
    total = count_listed(request.principal, **wanted)
    return json_responses.data_response(page.answer(total, serialize_items(rows, request.principal), **more))
