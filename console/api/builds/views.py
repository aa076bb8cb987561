"""Builds: the lists, asking for one, and one build with its settings.

READ on a build covers its source. Where it was asked for from (address and browser) is for those with WRITE, because
everyone can read the builds of a public Actor. Nothing here costs money; the cost is 0, and as the API's
description has it, only signed-in clients get it.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from allauth.account.adapter import get_adapter
from django.http import HttpResponse, HttpResponseBase
from msgspec import UNSET, UnsetType

from accounts.lib.api_errors import ApiError, invalid_value, record_not_found
from accounts.lib.timestamps import iso
from accounts.request_types import ApiRequest
from console.api.resources.serializers import serialize_basics
from console.api.resources.update import change_general_access
from console.api.runs.parsers import parse_origin
from console.api.runs.wait_for_finish import seconds_to_wait, when_finished
from console.http import json_responses, request_body
from console.http.pagination import Page, flag
from resources.actors.builds import build_for
from resources.actors.fields import InvalidField
from resources.actors.versions import url_for_readers
from resources.builds import definition, deleting, starting
from resources.builds.ending import abort as abort_build
from resources.builds.numbers import number_as_int
from resources.builds.source_url import get_readable_source_url
from resources.kinds import Kind
from resources.models import Actor, ActorVersion, Build, BuildContent, SourceType
from sharing.access import Access
from sharing.declare import lists, needs
from sharing.enforcement import refusals
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.enforcement.require import access_to
from sharing.facts import parse_address
from sharing.lists import count_listed, listed
from sharing.narrowings.held_back import held_back_from_all
from sharing.permissions import Permission

_MBYTES, _SECONDS = 1024, 3600


class BuildChange(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The body of a PUT. A field that cannot be changed here is refused rather than ignored."""

    general_access: str | UnsetType = UNSET


@lists(Kind.BUILD)
def list_builds(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the builds that are one's own or shared with one."""
    page = Page.from_query(request.GET)
    rows = listed(request.principal, kinds=[Kind.BUILD], offset=page.offset, limit=page.limit, newest_first=page.desc)
    total = count_listed(request.principal, kinds=[Kind.BUILD])
    return json_responses.data_response(page.answer(total, _list_items([row.id for row in rows])))


@needs(Kind.ACTOR, Permission.READ)
def list_for_actor(request: ResourceApiRequest[Actor]) -> HttpResponse:
    """Answer with a page of the builds of an Actor: who may read the Actor may read all of them.

    A token with a scope must name READ on builds, unless the Actor is public, whose builds are read without a token.
    """
    is_public = request.access.facts.is_public
    held_back = None if is_public else held_back_from_all(request.principal, Permission.READ, Kind.BUILD)
    if held_back:
        return refusals.held_back_from_kind(request, held_back, Permission.READ, Kind.BUILD)
    page = Page.from_query(request.GET)
    order = "-" if page.desc else ""
    found = Build.objects.filter(actor_id=request.access.facts.id, kind=Kind.BUILD)
    ids = found.order_by(f"{order}created_at", f"{order}pk").values_list("pk", flat=True)
    items = _list_items(list(ids[page.offset : page.offset + page.limit]))
    return json_responses.data_response(page.answer(found.count(), items))


@needs(Kind.ACTOR, Permission.BUILD)
def start(request: ResourceApiRequest[Actor]) -> HttpResponseBase:
    """Have a version of an Actor built, and wait for it as long as is asked for.

    `version` may be left out where there is only one.
    """
    seconds = seconds_to_wait(request.GET)
    use_cache = flag(request.GET, "useCache")
    flag(request.GET, "betaPackages")  # there are none; taken because clients send it
    actor = request.resource
    try:
        build = starting.start(
            actor,
            request.GET.get("version") or _only_version(actor),
            tag=request.GET.get("tag"),
            use_cache=use_cache,
            origin=parse_origin(request),
            client_ip=get_adapter().get_client_ip(request),
            user_agent=request.META.get("HTTP_USER_AGENT", ""),
            by=request.principal,
        )
    except starting.CannotBuild as error:
        raise _cannot_build(error) from None
    except InvalidField as error:
        raise invalid_value(error.field, str(error)) from None

    def answer(has_finished: bool) -> HttpResponse:
        access = access_to(request.principal, build)
        return json_responses.data_response(serialize_build(access), json_responses.CREATED, location=build.api_url)

    return when_finished(request, build, seconds, answer)


@needs(Kind.ACTOR, Permission.READ)
def show_default(request: ResourceApiRequest[Actor]) -> HttpResponseBase:
    """Answer with the build that runs of an Actor use when nothing else is asked for."""
    access = default_build(request)
    return _show_when_finished(request, access)


@needs(Kind.BUILD, Permission.READ)
def show(request: ResourceApiRequest[Build], actor: str = "") -> HttpResponseBase:
    """Answer with what is known of a build, and wait for its end as long as is asked for."""
    check_actor(request, actor)
    return _show_when_finished(request, request.access)


def _show_when_finished(request: ApiRequest, access: Access[Build]) -> HttpResponseBase:
    return when_finished(
        request,
        access.resource,
        seconds_to_wait(request.GET),
        lambda has_finished: json_responses.data_response(serialize_build(access)),
    )


@needs(Kind.BUILD, Permission.WRITE, Permission.MANAGE_ACCESS_RIGHTS)
def update(request: ResourceApiRequest[Build]) -> HttpResponse:
    """Change the general access, which needs MANAGE_ACCESS_RIGHTS."""
    change = request_body.read_json(request, BuildChange)
    if change.general_access is not UNSET:
        change_general_access(request, change.general_access)
    return json_responses.data_response(serialize_build(request.access))


@needs(Kind.BUILD, Permission.WRITE)
def delete(request: ResourceApiRequest[Build]) -> HttpResponse:
    """Delete a build that is not at work, and not what runs of its Actor use when nothing else is asked for."""
    try:
        deleted = deleting.delete(request.resource, by=request.principal)
    except deleting.CannotDelete as error:
        raise json_responses.bad_request_error(error.type, str(error)) from None
    if not deleted:
        raise refusals.not_found_error(Kind.BUILD)
    return json_responses.no_content()


@needs(Kind.BUILD, Permission.WRITE)
def abort(request: ResourceApiRequest[Build], actor: str = "") -> HttpResponse:
    """Abort a build that has not finished; one that has is left as it is."""
    check_actor(request, actor)
    abort_build(request.resource, by=request.principal)
    return json_responses.data_response(serialize_build(request.access))


def default_build(request: ResourceApiRequest[Actor]) -> Access[Build]:
    """Return the default build of the request's Actor, with what the principal may do with it.

    Raises:
        ApiError: 404 when there is none yet, and as a request for this build would be refused.
    """
    actor = request.resource
    build = build_for(actor, "")
    if build is None:
        raise record_not_found(f'The Actor has no build "{actor.default_build}" that succeeded.')
    access = access_to(request.principal, build)
    if not access.allows(Permission.READ):
        raise refusals.forbidden_error(access, Permission.READ)
    return access


def check_actor(request: ResourceApiRequest[Build], actor: str) -> None:
    """Refuse a build that is not one of the Actor in whose place it was asked for.

    Raises:
        ApiError: 404.
    """
    if not actor:
        return
    address, of = parse_address(Kind.ACTOR, actor, request.principal), request.access.facts
    its_own = (of.actor.id, (of.owner_username.lower(), (of.actor.name or "").lower())) if of.actor else ()
    if address is None or (address.id or (address.username.lower(), address.compared_name)) not in its_own:
        raise refusals.not_found_error(Kind.BUILD)


def serialize_build(access: Access[Build]) -> dict[str, Any]:
    """Return all that a principal gets to know of a build."""
    build = access.resource
    content = BuildContent.objects.filter(build_id=build.pk).first() or BuildContent()
    answer = {
        **serialize_basics(build),
        **_state(build),
        "statusMessage": build.status_message or None,
        "exitCode": build.exit_code,
        "meta": _meta(build, in_full=access.allows(Permission.WRITE)),
        "stats": _stats(build),
        "options": {"useCache": build.use_cache, "betaPackages": False, "memoryMbytes": build.memory_mbytes},
        "usage": {"ACTOR_COMPUTE_UNITS": _compute_units(build)},
        "inputSchema": content.input_schema or None,
        "readme": content.readme or None,
        "changelog": content.changelog or None,
        "actVersion": _version(content.source, in_full=access.allows(Permission.WRITE)),
        "actorDefinition": definition.serialize_definition(content),
    }
    if not access.principal.is_anonymous:
        answer |= {"usageTotalUsd": 0.0, "usageUsd": {"ACTOR_COMPUTE_UNITS": 0.0}}
    return answer


def _list_items(ids: Sequence[str]) -> list[dict[str, Any]]:
    builds = Build.objects.in_bulk(ids)
    return [
        {
            "id": build.pk,
            "userId": build.owner_id,
            **_state(build),
            "buildNumberInt": number_as_int(build.number),
            "usageTotalUsd": 0.0,
            "meta": {"origin": build.origin},
            "generalAccess": build.general_access,
            "consoleUrl": build.console_url,
        }
        for build in (builds[each] for each in ids if each in builds)
    ]


def _state(build: Build) -> dict[str, Any]:
    return {
        "actId": build.actor_id,
        "status": build.status,
        "startedAt": iso(build.started_at or build.created_at),
        "finishedAt": iso(build.finished_at) if build.finished_at else None,
        "buildNumber": build.number,
    }


def _meta(build: Build, *, in_full: bool) -> dict[str, str]:
    meta = {"origin": build.origin}
    if in_full:
        meta |= {"clientIp": build.client_ip, "userAgent": build.user_agent}
    return meta


def _stats(build: Build) -> dict[str, Any]:
    seconds = _seconds(build)
    return {
        "durationMillis": round(seconds * 1000),
        "runTimeSecs": seconds,
        "computeUnits": _compute_units(build),
    }


def _seconds(build: Build) -> float:
    """Return how long a build took, and 0 for one that is still being built: its answers are the same then."""
    if build.started_at is None or build.finished_at is None:
        return 0.0
    return round((build.finished_at - build.started_at).total_seconds(), 3)


def _compute_units(build: Build) -> float:
    """Return the hours that a build took, times the gigabytes of memory that it could use."""
    return round(build.memory_mbytes / _MBYTES * _seconds(build) / _SECONDS, 6)


def _version(source: str, *, in_full: bool) -> dict[str, Any]:
    """Return the version that was built, as it was then."""
    kept = msgspec.json.decode(source)
    version = {name: kept[name] for name in ("versionNumber", "sourceType", "buildTag") if kept.get(name)}
    if kept.get("sourceType") == SourceType.SOURCE_FILES:
        version["sourceFiles"] = [file for file in kept.get("sourceFiles", ()) if not file.get("folder")]
    elif kept.get("sourceType") == SourceType.GIT_REPO:
        url = get_readable_source_url(kept)
        version["gitRepoUrl"] = url if in_full or url is None else url_for_readers(url)  # None: it cannot be read
    return version


def _only_version(actor: Actor) -> str:
    numbers = list(ActorVersion.objects.filter(actor_id=actor.pk).values_list("number", flat=True)[:2])
    if len(numbers) != 1:
        raise invalid_value("version", "it is required: the number of the version to build, like 0.1.")
    return numbers[0]


def _cannot_build(error: starting.CannotBuild) -> ApiError:
    if error.type == "record-not-found":
        return record_not_found(str(error))
    if error.type == "insufficient-permissions":
        return ApiError(HTTPStatus.FORBIDDEN, error.type, str(error))
    return json_responses.bad_request_error(error.type, str(error))
