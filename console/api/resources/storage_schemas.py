"""The schema that a storage may be given when it is made."""

from collections.abc import Callable
from http import HTTPStatus

import msgspec
from django.http import HttpRequest

from accounts.lib.api_errors import ApiError
from console.http import request_body
from resources.records.content_types import media_type
from resources.storages import InvalidSchema

_NULL = b"null"


class NewStorage(msgspec.Struct):
    """The body of a POST, which may be missing: the schema of a storage that is made."""

    schema: msgspec.Raw = msgspec.Raw(_NULL)


def schema_in(request: HttpRequest, check: Callable[[bytes], str], error_type: str) -> str:
    """Return the schema in the body as `check` gives it, "" for none; a body that is not said to be JSON has none.

    Raises:
        ApiError: 400 `error_type` for what `check` refuses as an InvalidSchema, and whatever reading the body raises.
    """
    if media_type(request.META.get("CONTENT_TYPE") or "") != "application/json":
        return ""
    body = request_body.read(request)
    if not body.strip():
        return ""
    text = bytes(request_body.decode_json(body, NewStorage).schema)
    try:
        return "" if text == _NULL else check(text)
    except InvalidSchema as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, error_type, str(error)) from None
