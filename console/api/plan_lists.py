"""The lists of tasks and schedules: what is one's own, what is shared with one, or both."""

from collections.abc import Sequence
from typing import Any, Protocol

from django.http import HttpResponse

from accounts.principal import Principal
from accounts.requests import ApiRequest
from console.api import answers
from console.api.pagination import Page, one_of
from resources.kinds import Kind
from sharing.lists import Listed, Ownership, count_listed, listed

_OWNERSHIPS = {"ownedByMe": Ownership.MINE, "sharedWithMe": Ownership.SHARED}


class ItemsOf(Protocol):
    """Writes out the rows of a page, in a number of queries that does not grow with them."""

    def __call__(self, rows: Sequence[Listed], principal: Principal, /) -> list[dict[str, Any]]:
        """Return the rows as the API writes them to `principal`, without those that are gone meanwhile."""


def answer_with_plans(request: ApiRequest, kind: Kind, items_of: ItemsOf) -> HttpResponse:
    """Answer with a page of the tasks or schedules that the account may read.

    Raises:
        ApiError: 400 naming the parameter that is wrong.
    """
    page = Page.from_query(request.GET)
    wanted: dict[str, Any] = {
        "ownership": one_of(request.GET, "ownership", _OWNERSHIPS, Ownership.BOTH),
        "kinds": [kind],
    }
    account_id = request.principal.account_id or ""
    rows = listed(account_id, **wanted, offset=page.offset, limit=page.limit, newest_first=page.desc)
    return answers.data(page.answer(count_listed(account_id, **wanted), items_of(rows, request.principal)))
