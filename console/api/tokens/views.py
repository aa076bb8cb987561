"""API tokens: the list, making, changing, rotating and revoking them.

They are account-wide: neither a token with a scope nor a run manages them. The text of a token is in the answer that
makes it, and nowhere else.
"""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from msgspec import UNSET, UnsetType

from accounts import token_editing, tokens
from accounts.lib.api_errors import ApiError, invalid_value, record_not_found
from accounts.models import Account, ActorRuns, ApiToken
from accounts.principal import Principal
from accounts.request_types import ApiRequest
from accounts.token_editing import EndsTooLate, LastFullToken, TokenGone, TokenSettings
from console.api.resources.table_lists import rows_response
from console.api.tokens.serializers import serialize_token
from console.http import json_responses, request_body
from sharing.declare import account_wide
from sharing.grants import FOR_EVER
from sharing.policies import token_changes, token_rules
from sharing.policies.token_changes import BeyondRole
from sharing.policies.token_rules import InvalidScope

MAX_NAME, MAX_DESCRIPTION = 100, 160


class FormerText(StrEnum):
    """When the text from before a rotation ends."""

    IN_24_HOURS = "IN_24_HOURS"
    AT_ONCE = "AT_ONCE"


class EntryBody(msgspec.Struct, rename="camel"):
    """Permissions on a kind, or on one resource of it."""

    kind: str
    permissions: list[str]
    resource_id: str | None = None


class ScopeBody(msgspec.Struct, rename="camel"):
    """What a token may be used for."""

    entries: list[EntryBody]
    default_run_storages: bool = False
    actor_runs: ActorRuns = ActorRuns.RESTRICTED


class TokenBody(msgspec.Struct, rename="camel"):
    """The body of a POST or PUT of a token; what is not given stays as it is.

    A `scope` of null is everything, and an `expiresAt` of null is never.
    """

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    scope: ScopeBody | UnsetType | None = UNSET
    expires_at: datetime | UnsetType | None = UNSET


class RotationBody(msgspec.Struct, rename="camel"):
    """The body of a POST that rotates a token."""

    former_text_ends: FormerText = FormerText.IN_24_HOURS


@account_wide
def list_tokens(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the account's tokens."""
    token_rules.check_may_manage(request.principal)
    return rows_response(request, token_rules.visible_tokens(request.principal), serialize_token)


@account_wide
def create(request: ApiRequest) -> HttpResponse:
    """Make a token, and answer with it and its text."""
    token_rules.check_may_manage(request.principal)
    body, by = request_body.read_json(request, TokenBody), request.principal
    if body.name is UNSET:
        raise invalid_value("name", "it is required.")
    wanted = _wanted(body, TokenSettings(""), by)
    account = Account.objects.get(pk=by.account_id)
    try:
        token, text = token_changes.create(account, wanted, by=by, member_id=by.person_id)
    except _REFUSED as error:
        raise _refused(error) from None
    location = f"{settings.PUBLIC_URL}/v2/tokens/{token.pk}"
    return json_responses.data_response(_with_text(token, text), json_responses.CREATED, location=location)


@account_wide
def show(request: ApiRequest, token: str) -> HttpResponse:
    """Answer with a token, without its text."""
    return json_responses.data_response(serialize_token(_token(request, token)))


@account_wide
def update(request: ApiRequest, token: str) -> HttpResponse:
    """Change what is given."""
    found, by = _token(request, token), request.principal
    body = request_body.read_json(request, TokenBody)
    try:
        token_changes.update(found, _wanted(body, token_editing.settings_of(found), by), by=by)
    except _REFUSED as error:
        raise _refused(error) from None
    return json_responses.data_response(serialize_token(found))


@account_wide
def rotate(request: ApiRequest, token: str) -> HttpResponse:
    """Give a token another text, and answer with it; the former one works for 24 more hours or ends at once."""
    found = _token(request, token)
    data = request_body.read(request)
    body = request_body.decode_json(data, RotationBody) if data else RotationBody()
    at_once = body.former_text_ends is FormerText.AT_ONCE
    try:
        text = token_changes.rotate(found, by=request.principal, at_once=at_once)
    except _REFUSED as error:
        raise _refused(error) from None
    return json_responses.data_response(_with_text(found, text))


@account_wide
def revoke(request: ApiRequest, token: str) -> HttpResponse:
    """End a token for good; the very next request with it is refused."""
    tokens.revoke(_token(request, token), by=request.principal)
    return json_responses.no_content()


def _token(request: ApiRequest, token_id: str) -> ApiToken:
    token_rules.check_may_manage(request.principal)
    found = token_rules.find_token(request.principal, token_id)
    if found is None:
        raise _not_found()
    return found


def _with_text(token: ApiToken, text: str) -> dict[str, Any]:
    return {**serialize_token(token), "token": text}


def _wanted(body: TokenBody, now: TokenSettings, by: Principal) -> TokenSettings:
    """Return what a token is to be like, where it is like `now`."""
    wanted = now
    if body.name is not UNSET:
        name = _text("name", body.name.strip(), MAX_NAME)
        if not name:
            raise invalid_value("name", "it must not be empty.")
        wanted = replace(wanted, name=name)
    if body.description is not UNSET:
        description = _text("description", (body.description or "").strip(), MAX_DESCRIPTION)
        wanted = replace(wanted, description=description)
    if body.expires_at is not UNSET:
        wanted = replace(wanted, expires_at=_end(body.expires_at))
    if body.scope is not UNSET:
        wanted = _with_scope(wanted, body.scope, by)
    return wanted


def _with_scope(now: TokenSettings, scope: ScopeBody | None, by: Principal) -> TokenSettings:
    if scope is None:
        return replace(now, scope=None, default_run_storages=False, actor_runs=ActorRuns.RESTRICTED.value)
    given = [msgspec.to_builtins(entry) for entry in scope.entries]
    try:
        entries = token_rules.check_entries(given, by, token_rules.named_resources(now.scope))
    except InvalidScope as error:
        raise invalid_value(f"scope.{error.field}", str(error)) from None
    return replace(
        now, scope=entries, default_run_storages=scope.default_run_storages, actor_runs=scope.actor_runs.value
    )


def _text(field: str, text: str, limit: int) -> str:
    if len(text) > limit or not text.isprintable():
        raise invalid_value(field, f"it must have at most {limit} printable characters.")
    return text


def _end(moment: datetime | None) -> datetime | None:
    if moment is not None and (moment.tzinfo is None or not timezone.now() < moment < FOR_EVER):
        raise invalid_value(
            "expiresAt", "it must be a time in the future, with its time zone, before the last day of the year 9999."
        )
    return moment


_REFUSED = (TokenGone, LastFullToken, EndsTooLate, BeyondRole)


def _refused(error: Exception) -> ApiError:
    if isinstance(error, TokenGone):
        return _not_found()
    if isinstance(error, LastFullToken):
        message = f"{error} Make another one first: a token with a scope cannot manage tokens."
        return ApiError(HTTPStatus.BAD_REQUEST, "cannot-reduce-last-full-token", message)
    return ApiError(HTTPStatus.FORBIDDEN, "insufficient-permissions", str(error))


def _not_found() -> ApiError:
    return record_not_found("API token was not found.")
