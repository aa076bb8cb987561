"""The list of one's storages of a kind: what `GET /v2/datasets` and its likes have in common."""

from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpResponse

from accounts.requests import ApiRequest
from console.api import answers
from console.api.pagination import Page, flag, one_of
from resources.kinds import Kind
from sharing.lists import Listed, Ownership, count_listed, listed

OWNERSHIPS = {"ownedByMe": Ownership.MINE, "sharedWithMe": Ownership.SHARED}


def answer_with_list(
    request: ApiRequest, kind: Kind, items_of: Callable[[Sequence[Listed]], list[dict[str, Any]]]
) -> HttpResponse:
    """Answer with a page of the storages of a kind that the account may read, which `items_of` writes out.

    Raises:
        ApiError: 400 naming the parameter that is wrong.
    """
    page = Page.from_query(request.GET)
    unnamed = flag(request.GET, "unnamed")
    ownership = one_of(request.GET, "ownership", OWNERSHIPS, Ownership.BOTH)
    account_id = request.principal.account_id or ""
    wanted: dict[str, Any] = {"ownership": ownership, "kinds": [kind], "named_only": not unnamed}
    rows = listed(account_id, **wanted, offset=page.offset, limit=page.limit, newest_first=page.desc)
    total = count_listed(account_id, **wanted)
    return answers.data(page.answer(total, items_of(rows), unnamed=unnamed))
