"""One record of a key-value store: read, written, deleted; and all of them as one archive."""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from accounts.lib.api_errors import ApiError, record_not_found
from console.api.key_value_stores.keys import wanted_keys
from console.http import json_responses, request_body
from console.http.conditional import check_preconditions
from console.http.pagination import flag, parse_choice
from console.http.record_response import SANDBOX, get_etags, record_response
from console.http.record_urls import record_url
from resources.kinds import Kind
from resources.models import KeyValueStore, Record
from resources.records import writing
from resources.records.archive import zip_archive
from resources.records.content_types import MAX_LENGTH, can_be_content_type
from resources.records.reading import every_record, find
from resources.usage.read_counter import reads
from sharing.declare import needs
from sharing.enforcement.refusals import not_found_error
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.permissions import Permission
from sharing.signatures import SignedContent

_DEFAULT_TYPE = "application/octet-stream"
_DISPOSITIONS = {"inline": False, "attachment": True}


@needs(Kind.KEY_VALUE_STORE, Permission.READ, signed=SignedContent.RECORD, only_facts=True)
def read_record(request: ResourceApiRequest[KeyValueStore], key: str) -> HttpResponseBase:
    """Answer with a record, or with what a HEAD wants to know of it."""
    as_attachment = flag(request.GET, "attachment") or parse_choice(request.GET, "disposition", _DISPOSITIONS, False)
    store_id = request.access.facts.id
    record = find(store_id, key)
    answer = record_response(request, record, as_attachment=as_attachment) if record else None
    reads.add(store_id)
    if answer is None:
        raise record_not_found("Record was not found.")
    return answer


@needs(Kind.KEY_VALUE_STORE, Permission.WRITE)
def write_record(request: ResourceApiRequest[KeyValueStore], key: str) -> HttpResponse:
    """Store the body under a key, as it comes, in place of what is there."""
    content_type = _content_type(request)
    content_encoding = request_body.content_encoding(request)
    if request_body.content_length(request) > settings.API_MAX_RECORD_BYTES:
        raise _too_large()
    try:
        record = writing.write(
            request.resource.pk,
            key,
            request_body.pieces(request),
            content_type=content_type,
            content_encoding=content_encoding,
            expect=_expectation(request),
        )
    except writing.InvalidKey as error:
        raise _invalid_key(error) from None
    except writing.TooLarge:
        raise _too_large() from None
    except writing.StoreGone:
        raise not_found_error(Kind.KEY_VALUE_STORE) from None
    headers = {"Location": record_url(request.resource, key), "ETag": get_etags(record)[0]}
    return json_responses.json_response(b"{}", HTTPStatus.CREATED, headers)


@needs(Kind.KEY_VALUE_STORE, Permission.WRITE)
def delete_record(request: ResourceApiRequest[KeyValueStore], key: str) -> HttpResponse:
    """Delete a record. One that is not there is as good as deleted, so that doing it again does no harm."""
    try:
        writing.delete(request.resource.pk, key, expect=_expectation(request))
    except writing.InvalidKey as error:
        raise _invalid_key(error) from None
    except writing.StoreGone:
        raise not_found_error(Kind.KEY_VALUE_STORE) from None
    return json_responses.no_content()


@needs(Kind.KEY_VALUE_STORE, Permission.READ)
def download_all(request: ResourceApiRequest[KeyValueStore]) -> HttpResponseBase:
    """Answer with all records, or those of a prefix or collection, as one ZIP archive."""
    store = request.resource
    wanted = wanted_keys(request.GET, store)
    reads.add(store.pk)
    headers = {
        "Content-Type": "application/zip",
        "Content-Security-Policy": SANDBOX,
        # Names are letters, digits and dashes, so they are safe in a header as they are.
        "Content-Disposition": f'attachment; filename="{store.name or store.pk}.zip"',
    }
    if request.method == "HEAD":
        return StreamingHttpResponse((), headers=headers)
    return StreamingHttpResponse(zip_archive(every_record(store.pk, wanted)), headers=headers)


def _expectation(request: ResourceApiRequest[KeyValueStore]) -> Callable[[Record | None], None]:
    return lambda record: check_preconditions(request, get_etags(record))


def _content_type(request: ResourceApiRequest[KeyValueStore]) -> str:
    content_type = str(request.META.get("CONTENT_TYPE") or "").strip() or _DEFAULT_TYPE
    if not can_be_content_type(content_type):
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            "invalid-content-type-header",
            f"The header Content-Type must be a media type of at most {MAX_LENGTH} characters, such as text/plain.",
        )
    return content_type


def _invalid_key(error: writing.InvalidKey) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, "invalid-record-key", str(error))


def _too_large() -> ApiError:
    return ApiError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "request-too-large",
        f"The record is too large (limit: {settings.API_MAX_RECORD_BYTES} bytes).",
    )
