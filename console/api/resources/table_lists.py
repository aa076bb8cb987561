"""Pages of what is an account's own and not a resource: rows of a table, by when they were made."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from console.http import json_responses
from console.http.pagination import Page

Row = TypeVar("Row", bound=Model)


def rows_response(
    request: HttpRequest, rows: "QuerySet[Row]", item_of: Callable[[Row], dict[str, Any]]
) -> HttpResponse:
    """Answer with a page of rows that have a `created_at`, each written by `item_of`.

    Raises:
        ApiError: 400 naming the parameter that is wrong.
    """
    page = Page.from_query(request.GET)
    order = ("-created_at", "-pk") if page.desc else ("created_at", "pk")
    found = rows.order_by(*order)[page.offset : page.offset + page.limit]
    return json_responses.data_response(page.answer(rows.count(), [item_of(row) for row in found]))
