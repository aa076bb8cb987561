"""What a build takes: its OpenAPI document, and whether an input would do."""

from typing import Any, cast

import msgspec
from django.conf import settings
from django.http import HttpResponse

from console.api.builds.views import check_actor, default_build
from console.api.runs.parsers import to_api_error
from console.http import json_responses, request_body
from resources.actors.builds import build_for
from resources.builds.openapi import document
from resources.kinds import Kind
from resources.models import Actor, Build, BuildContent
from resources.runs.inputs import InvalidInput, check_value
from resources.secret_inputs.fields import Holder
from sharing.access import Access
from sharing.decide_many import is_allowed_on_parent
from sharing.declare import needs
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.permissions import Permission


@needs(Kind.BUILD, Permission.READ)
def show_openapi(request: ResourceApiRequest[Build], actor: str = "") -> HttpResponse:
    """Answer with the OpenAPI document of a build."""
    check_actor(request, actor)
    return _document(request.access)


@needs(Kind.ACTOR, Permission.READ)
def show_default_openapi(request: ResourceApiRequest[Actor]) -> HttpResponse:
    """Answer with the OpenAPI document of an Actor's default build."""
    return _document(default_build(request))


@needs(Kind.ACTOR, Permission.READ)
def validate(request: ResourceApiRequest[Actor]) -> HttpResponse:
    """Answer with `valid`, or refuse an input that the build's schema does not allow; none is an empty one.

    `build` is a tag or number; without it, it is the build that runs use when nothing else is asked for.
    """
    content = request_body.read(request) or b"null"
    request_body.decode_json(content, cast("type[Any]", Any))
    build = build_for(request.resource, request.GET.get("build", ""))
    if build is None:
        raise json_responses.bad_request_error("unknown-build-tag", "The Actor has no such build that succeeded.")
    try:
        holder = Holder(request.principal.account_id or "", build.actor_id or "")
        check_value(_content(build).input_schema, content, holder)
    except InvalidInput as error:
        raise to_api_error(error) from None
    return json_responses.json_response(msgspec.json.encode({"valid": True}))


def _content(build: Build) -> BuildContent:
    return BuildContent.objects.filter(build_id=build.pk).first() or BuildContent()


def _document(access: Access[Build]) -> HttpResponse:
    build, actor = access.resource, access.facts.actor
    title = address = build.pk
    if actor is not None:
        title = address = actor.id
        # To read a build is not to read its Actor, whose name is only for those who may.
        if actor.name and is_allowed_on_parent(Kind.ACTOR, actor, access.principal, Permission.READ):
            title, address = actor.name, f"{access.facts.owner_username}~{actor.name}"
    said = document(_content(build), number=build.number, title=title, address=address, server=settings.PUBLIC_URL)
    return json_responses.json_response(msgspec.json.encode(said))
