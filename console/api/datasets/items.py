"""The items of a dataset: pushed, read page by page or whole, and counted field by field.

Stored content is untrusted, so browsers must not render it as one of our pages.
"""

from functools import partial
from http import HTTPStatus

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from accounts.lib.api_errors import ApiError
from console.http import json_responses, request_body
from console.http.compressed import compress, wants_zstd
from console.http.disconnect import is_connected
from console.http.items_query import parse_items_query
from console.http.pagination import flag
from console.http.query import parameters
from console.http.responses import BytesResponse
from resources.datasets.errors import ItemsBreakSchema, SchemaTakesTooMuch
from resources.datasets.formats.csv_formulas import without_formulas
from resources.datasets.reading import Items, open_items
from resources.datasets.schemas import load_schema
from resources.datasets.statistics import field_statistics
from resources.datasets.work_limit import ReaderGone
from resources.datasets.writing import DatasetGone, InvalidItems, push
from resources.kinds import Kind
from resources.models import Dataset, Resource
from resources.runs import charging
from resources.usage.read_counter import reads
from sharing.declare import needs
from sharing.enforcement.refusals import not_found_error
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.permissions import Permission
from sharing.signatures import SignedContent

# What the API says where there is no limit; the clients know this number.
NO_LIMIT = 999_999_999_999


@needs(Kind.DATASET, Permission.READ, signed=SignedContent.CONTENT, only_facts=True)
def read(request: ResourceApiRequest[Dataset]) -> HttpResponseBase:
    """Answer with a page of items; large ones are streamed."""
    return items_response(request, request.resource, request.access.facts.id)


def items_response(request: ResourceApiRequest, dataset: Resource, dataset_id: str) -> HttpResponseBase:
    """Return those items of a dataset that the request's query asks for, in the form that it asks for.

    Raises:
        ApiError: 400 naming the parameter that is wrong, or for a view that there is not, 404 when the dataset is gone.
    """
    query = parameters(request)
    options = parse_items_query(query, partial(load_schema, dataset_id))
    as_attachment = flag(query, "attachment")
    escapes_formulas = flag(query, "escapeFormulas")
    if options.format == "rss":
        options = options.about(dataset_id, dataset.name or dataset_id, dataset.console_url)
    only_headers = request.method == "HEAD"
    try:
        items = open_items(dataset_id, options, with_body=not only_headers, still_wanted=lambda: is_connected(request))
    except DatasetGone:
        raise not_found_error(Kind.DATASET) from None
    except ReaderGone:
        raise _left() from None
    reads.add(dataset_id)
    headers = _headers(items)
    if as_attachment:
        headers["Content-Disposition"] = f'attachment; filename="{_filename(dataset, options.format)}"'
    is_packed = not as_attachment and not isinstance(items.body, bytes) and wants_zstd(request, items.content_type)
    if is_packed:
        headers |= {"Content-Encoding": "zstd", "Vary": "Accept-Encoding"}
    elif items.size is not None:
        # A reader sees how far it is, and whether it has everything.
        headers["Content-Length"] = str(items.size)
    if only_headers:
        return StreamingHttpResponse((), headers=headers)  # how long the body would be is not worth writing it
    body = items.body
    if escapes_formulas and options.format == "csv":
        body = without_formulas([body] if isinstance(body, bytes) else body, options.delimiter)
    if isinstance(body, bytes):
        return BytesResponse(body, headers)
    return StreamingHttpResponse(compress(body) if is_packed else body, headers=headers)


@needs(Kind.DATASET, Permission.WRITE, only_facts=True)
def append(request: ResourceApiRequest[Dataset]) -> HttpResponse:
    """Append one item or many; all of them, or none when one is not valid.

    A run whose Actor has a price for items is charged for those in its default dataset.
    """
    dataset_id, run = request.access.facts.id, request.access.facts.run
    charge = partial(charging.charge_items, dataset_id, run.id) if run else None
    try:
        push(dataset_id, request_body.read(request), before_storing=charge)
    except ItemsBreakSchema as error:
        invalid = {"invalidItems": error.invalid_items}
        raise ApiError(HTTPStatus.BAD_REQUEST, "schema-validation-error", str(error), invalid) from None
    except SchemaTakesTooMuch as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "schema-validation-failed", str(error)) from None
    except InvalidItems as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "invalid-input", str(error)) from None
    except DatasetGone:
        raise not_found_error(Kind.DATASET) from None
    location = f"{settings.PUBLIC_URL}/v2/datasets/{dataset_id}/items"
    return json_responses.json_response(b"{}", HTTPStatus.CREATED, {"Location": location})


@needs(Kind.DATASET, Permission.READ)
def statistics(request: ResourceApiRequest[Dataset]) -> HttpResponse:
    """Answer with the statistics of each field of the items."""
    try:
        by_field = field_statistics(request.resource.pk, still_wanted=lambda: is_connected(request))
    except DatasetGone:
        raise not_found_error(Kind.DATASET) from None
    except ReaderGone:
        raise _left() from None
    return json_responses.data_response({"fieldStatistics": by_field})


def _left() -> ApiError:
    """Return an error for a client that has disconnected."""
    return request_body.client_disconnected_error("The client closed the connection.")


def _headers(items: Items) -> dict[str, str]:
    return {
        "Content-Type": items.content_type,
        "X-Apify-Pagination-Total": str(items.total),
        "X-Apify-Pagination-Offset": str(items.offset),
        "X-Apify-Pagination-Limit": str(NO_LIMIT if items.limit is None else items.limit),
        "X-Apify-Pagination-Count": str(items.count),
        "X-Apify-Pagination-Desc": "true" if items.desc else "false",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }


def _filename(resource: Resource, extension: str) -> str:
    """Names are letters, digits and dashes, so they are safe in a header as they are."""
    return f"{resource.name or resource.pk}.{extension}"
