"""What a request for a run says: its options in the query, its input in the body."""

import base64
import binascii
import math
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from django.http import HttpRequest, QueryDict
from msgspec import UNSET

from accounts.lib.api_errors import ApiError, invalid_value
from accounts.request_types import ApiRequest
from console.api.resources.webhook_body import WebhookBody
from console.http import request_body
from console.http.pagination import flag, whole_number
from resources.jobs.status import Origin
from resources.models import Task
from resources.records.content_types import MAX_LENGTH, can_be_content_type, is_json
from resources.runs.account_limits import LimitExceeded
from resources.runs.approvals import NotApproved
from resources.runs.cannot_run import CannotRun
from resources.runs.inputs import JSON_TYPE, InvalidInput
from resources.runs.options import InvalidOption, RunOptions
from resources.runs.starting import DEFAULT_CONTENT_TYPE
from resources.webhooks.editing import InvalidWebhook, WebhookChange

_DECIMAL = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?\Z", re.ASCII)
_BASE64 = str.maketrans(" -_", "++/")
_ORIGIN_HEADER = "HTTP_X_APIFY_REQUEST_ORIGIN"
# Clients say what called them. Where else a job can be asked for, the server knows by itself.
_SAID_ORIGINS = frozenset({Origin.CLI, Origin.CI, Origin.MCP, Origin.APIFY_AI})


def parse_options(query: QueryDict) -> RunOptions:
    """Return the run options in the query; others are taken from the task or Actor.

    Raises:
        ApiError: 400 naming what cannot be.
    """
    options = RunOptions(
        build=query.get("build") or None,
        timeout_secs=_number(query, "timeout"),
        memory_mbytes=_number(query, "memory"),
        max_items=_number(query, "maxItems"),
        max_total_charge_usd=_decimal(query, "maxTotalChargeUsd"),
        restart_on_error=flag(query, "restartOnError") if "restartOnError" in query else None,
        force_permission_level=query.get("forcePermissionLevel") or None,
    )
    try:
        return options.checked()
    except InvalidOption as error:
        raise to_api_error(error) from None


def to_api_error(error: InvalidOption | InvalidInput | CannotRun | InvalidWebhook) -> ApiError:
    """Return the refusal of options, webhooks or an input that no run can have, or an Actor that cannot be run."""
    if isinstance(error, InvalidInput):
        return ApiError(HTTPStatus.BAD_REQUEST, "invalid-input", str(error))
    if isinstance(error, NotApproved):
        return ApiError(HTTPStatus.FORBIDDEN, error.type, str(error), {"approvalUrl": error.approval_url})
    if isinstance(error, CannotRun):
        status = HTTPStatus.PAYMENT_REQUIRED if isinstance(error, LimitExceeded) else HTTPStatus.BAD_REQUEST
        return ApiError(status, error.type, str(error))
    if isinstance(error, InvalidWebhook):
        return invalid_value(error.field, str(error))
    refusal = invalid_value(error.field, str(error))
    return ApiError(refusal.status, error.type, refusal.message)


def parse_input(request: HttpRequest) -> tuple[bytes | None, str]:
    """Return the body of a request and its type, for an Actor to make of it what it likes; None for no input.

    That is an empty body, or the JSON value null, which the Python client sends where it is given no input.

    Raises:
        ApiError: 400 when it says that it is JSON and is not, or its type cannot be one, and whatever reading raises.
    """
    body = request_body.read(request)
    content_type = str(request.META.get("CONTENT_TYPE") or "").strip() or DEFAULT_CONTENT_TYPE
    if not body:
        return None, ""
    if not can_be_content_type(content_type):
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            "invalid-content-type-header",
            f"The header Content-Type must be a media type of at most {MAX_LENGTH} characters, such as text/plain.",
        )
    if is_json(content_type) and _decoded(body) is None:
        return None, ""
    return body, content_type


def parse_input_over_task(request: HttpRequest, task: Task) -> tuple[bytes | None, str, bytes | None]:
    """Return the input of a task's run: what the task has saved, with the fields that the body gives instead.

    The third value is what the body gives, None for nothing.

    Raises:
        ApiError: 415 for a body that is not JSON, 400 for one that is not an object.
    """
    body, content_type = parse_input(request)
    if body is None:
        return (task.input.encode(), task.input_content_type, None) if task.input else (None, "", None)
    if not is_json(content_type):
        raise ApiError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "invalid-content-type-header",
            "What a run is given instead of the task's input must be JSON, with Content-Type: application/json.",
        )
    fields = _decoded(body)
    if not isinstance(fields, dict):
        raise ApiError(HTTPStatus.BAD_REQUEST, "input-json-not-object", "The input must be a JSON object.")
    return msgspec.json.encode({**_saved_fields(task), **fields}), JSON_TYPE, body


def parse_webhooks(query: QueryDict) -> list[tuple[WebhookChange, str | None]]:
    """Return the webhooks that a run is to be given, each with its idempotency key: Base64 of a JSON array.

    Raises:
        ApiError: 400 when they are not that, or one of them cannot be.
    """
    # A plus that was not encoded, and the other two characters of the alphabet for URLs.
    text = query.get("webhooks", "").translate(_BASE64)
    if not text:
        return []
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid_value("webhooks", "it must be a JSON array in Base64.") from None
    bodies = request_body.decode_json(decoded, list[WebhookBody])
    return [(each.change(UNSET), each.idempotency_key) for each in bodies]


def parse_origin(request: ApiRequest) -> str:
    """Return where a run or build is asked for: in another run, by what a client says, or by some client."""
    if getattr(request, "from_run", "") or request.principal.run:
        return Origin.ACTOR
    said = request.META.get(_ORIGIN_HEADER, "").upper()
    return said if said in _SAID_ORIGINS else Origin.API


def _saved_fields(task: Task) -> Mapping[str, Any]:
    try:
        saved = msgspec.json.decode(task.input or "{}", type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return {}
    return saved


def _decoded(body: bytes) -> Any:
    """Return a JSON body, of whose fields none is looked into."""
    try:
        return request_body.decode_json(body, dict[str, msgspec.Raw])
    except ApiError as error:
        if error.type != "invalid-value":
            raise ApiError(HTTPStatus.BAD_REQUEST, "run-input-body-not-valid-json", error.message) from None
    return request_body.decode_json(body, Any)


def _number(query: QueryDict, name: str) -> int | None:
    return whole_number(query, name, 0) if query.get(name, "") != "" else None


def _decimal(query: QueryDict, name: str) -> float | None:
    text = query.get(name, "")
    if text == "":
        return None
    if not _DECIMAL.match(text) or not math.isfinite(float(text)):
        raise invalid_value(name, "it must be a number.")
    return float(text)
