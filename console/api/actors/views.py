"""Actors: the list, making one, and one Actor with its settings."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from msgspec import UNSET

from accounts.lib.api_errors import record_not_found
from accounts.lib.timestamps import iso
from accounts.principal import Principal
from accounts.request_types import ApiRequest
from console.api.actors import serializers
from console.api.actors.bodies import REFUSED, ActorBody, BuildTag, Version, to_api_error
from console.api.resources.update import may_not_change
from console.http import json_responses, request_body
from console.http.pagination import Page, flag, parse_choice
from console.http.request_body import unset_if_null
from resources.actors import editing, environment, versions
from resources.actors.fields import ActorChange, InvalidField
from resources.actors.users import count_users
from resources.builds import tagging
from resources.edit_locked import ResourceGone
from resources.kinds import Kind
from resources.models import Actor, ActorVersion
from sharing import full_actors
from sharing.declare import creates, lists, needs
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.enforcement.require import access_to
from sharing.lists import Ownership, count_listed, listed
from sharing.permissions import Permission
from sharing.policies import actor_levels, publishing

_ORDERS = {"createdAt": False, "stats.lastRunStartedAt": True}


@lists(Kind.ACTOR)
def list_actors(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the Actors that are one's own or shared with one; with `my` of one's own only.

    By the access model an Actor that is merely public is in no account's list; it is in the Store.
    """
    page = Page.from_query(request.GET)
    wanted: dict[str, Any] = {
        "ownership": Ownership.MINE if flag(request.GET, "my") else Ownership.BOTH,
        "kinds": [Kind.ACTOR],
    }
    by_last_run = parse_choice(request.GET, "sortBy", _ORDERS, default=False)
    total = count_listed(request.principal, **wanted)
    if by_last_run:
        found = _by_last_run([row.id for row in listed(request.principal, **wanted, limit=total)], page)
    else:
        rows = listed(request.principal, **wanted, offset=page.offset, limit=page.limit, newest_first=page.desc)
        by_id = Actor.objects.select_related("owner").in_bulk([row.id for row in rows])
        found = [by_id[row.id] for row in rows if row.id in by_id]
    users = count_users(found)
    return json_responses.data_response(page.answer(total, [_list_item(actor, users[actor.pk]) for actor in found]))


@creates(Kind.ACTOR)
def create(request: ApiRequest) -> HttpResponse:
    """Make an Actor of one's own, with its versions where they are given.

    A scoped token makes a public one only where its scope names what it takes to publish one.
    """
    body = request_body.read_json(request, ActorBody)
    principal = request.principal
    missing = publishing.missing_for_new(principal) if body.is_public else None
    if missing is not None:
        raise may_not_change(principal, Kind.ACTOR, "isPublic", missing)
    change = body.change()
    if change.permission_level is not UNSET:
        actor_levels.check_new(change.permission_level, by=principal)
    try:
        with transaction.atomic():
            actor = editing.create(
                principal.account_id or "", None if body.name is UNSET else body.name, change, by=principal
            )
            for version in body.versions or ():
                _add(actor, version, principal)
    except REFUSED as error:
        raise to_api_error(error) from None
    access = access_to(principal, actor)
    return json_responses.data_response(
        serializers.serialize_actor(access), json_responses.CREATED, location=actor.api_url
    )


@needs(Kind.ACTOR, Permission.READ)
def show(request: ResourceApiRequest[Actor]) -> HttpResponse:
    """Answer with what is known of an Actor."""
    return json_responses.data_response(serializers.serialize_actor(request.access))


@needs(Kind.ACTOR, Permission.WRITE)
def update(request: ResourceApiRequest[Actor]) -> HttpResponse:
    """Change what is given, all of it or nothing. Publishing takes more: `sharing/policies/publishing.py`.

    `versions` are then all versions that there are; `taggedBuilds` moves the tags that it names.
    """
    body = request_body.read_json(request, ActorBody)
    actor, by = request.resource, request.principal
    try:
        with transaction.atomic():
            full_actors.update(actor, lambda locked: _changed(request, body, locked), by=by)
            if (bodies := unset_if_null(body.versions)) is not UNSET:
                _replace(actor, bodies, by)
            for tag, build in (body.tagged_builds or {}).items():
                _tag(actor, tag, build, by)
    except REFUSED as error:
        raise to_api_error(error) from None
    except ResourceGone:
        raise _gone() from None
    return json_responses.data_response(serializers.serialize_actor(request.access))


@needs(Kind.ACTOR, Permission.WRITE)
def delete(request: ResourceApiRequest[Actor]) -> HttpResponse:
    """Delete an Actor with its versions, builds and issues; its runs stay with those who started them."""
    if not editing.delete(request.resource, by=request.principal):
        raise _gone()
    return json_responses.no_content()


def _changed(request: ResourceApiRequest[Actor], body: ActorBody, actor: Actor) -> ActorChange:
    """Return what a body changes of an Actor.

    Clients send back what they read: an `isPublic` as it is asks for nothing.

    Raises:
        ApiError: 403 for an `isPublic` that would change who may read the Actor, where the principal may not.
    """
    change = body.change(actor.details)
    if change.is_public is not UNSET and change.is_public != actor.is_public:
        missing = publishing.missing(request.access, public=change.is_public)
        if missing is not None:
            raise may_not_change(request.principal, Kind.ACTOR, "isPublic", missing)
    return change


def _by_last_run(ids: list[str], page: Page) -> list[Actor]:
    """Return a page of these Actors by when they were run last; those that never were come before all others."""
    found = list(Actor.objects.filter(pk__in=ids).values_list("pk", "last_run_at", "created_at"))
    found.sort(key=lambda row: (row[1] is not None, row[1] or row[2], row[2], row[0]), reverse=page.desc)
    wanted = [row[0] for row in found[page.offset : page.offset + page.limit]]
    by_id = Actor.objects.select_related("owner").in_bulk(wanted)
    return [by_id[each] for each in wanted if each in by_id]


def _list_item(actor: Actor, users: int) -> dict[str, Any]:
    return {
        "id": actor.pk,
        "name": actor.name or "",
        "username": actor.owner.username,
        "title": actor.title or actor.name or "",  # the clients want a text here
        "createdAt": iso(actor.created_at),
        "modifiedAt": iso(actor.modified_at),
        "isPublic": actor.is_public,
        "stats": serializers.serialize_stats(actor, users),
    }


def _replace(actor: Actor, bodies: list[Version], by: Principal) -> None:
    """Let these be all versions of an Actor."""
    numbers = [version.version_number for version in bodies]
    if not bodies:
        raise versions.TooFewVersions("An Actor needs at least one version.")
    if len(set(numbers)) != len(numbers):
        raise InvalidField("versions", "each number may be there once.")
    there = {version.number: version for version in ActorVersion.objects.filter(actor=actor).select_related("actor")}
    for said in bodies:
        known = there.pop(said.version_number or "", None)
        if known is None:
            _add(actor, said, by)
        else:
            versions.change(known, said.change(), by=by)
            if unset_if_null(said.env_vars) is not UNSET:
                environment.replace(known, said.variables(known), by=by)
    for version in there.values():
        versions.remove(version, by=by)


def _add(actor: Actor, said: Version, by: Principal) -> None:
    version = versions.add(actor, said.version_number or "", said.change(), by=by)
    if said.env_vars:
        environment.replace(version, said.variables(None), by=by)


def _tag(actor: Actor, tag: str, build: BuildTag | None, by: Principal) -> None:
    try:
        tagging.point(actor, tag, build.build_id if build else None, by=by)
    except tagging.UnknownBuild as error:
        raise json_responses.bad_request_error("invalid-build", str(error)) from None


def _gone() -> Exception:
    return record_not_found("Actor was not found.")
