"""What can be done to a run: abort, resurrect, reboot, metamorph, charge.

WRITE on a run lets one abort, resurrect and reboot it: it goes on doing what its owner started, for its owner. What it
does is its owner's to choose, because its token speaks for its owner: so only they, and the run itself, turn it into a
run of another Actor or choose another build.
"""

from http import HTTPStatus

import msgspec
from django.http import HttpResponse

from accounts.lib.api_errors import ApiError, invalid_value
from console.api.runs.parsers import parse_input, parse_options, to_api_error
from console.api.runs.views import run_response
from console.http import json_responses, request_body
from console.http.pagination import flag
from resources.kinds import Kind
from resources.models import Run
from resources.records import writing
from resources.runs import aborting, charging, restarting, resurrecting
from resources.runs.cannot_run import CannotRun
from resources.runs.inputs import InvalidInput
from resources.runs.options import InvalidOption
from sharing import run_starts
from sharing.declare import needs
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.enforcement.require import get_or_refuse
from sharing.permissions import Permission
from sharing.policies.metamorphing import check_metamorph
from sharing.policies.resurrecting import check_resurrect


class Charge(msgspec.Struct, rename="camel"):
    """The body of a charge. `request_id` is the key of it where the header gives none."""

    event_name: str
    count: int = 1
    request_id: str | None = None


@needs(Kind.RUN, Permission.WRITE)
def abort(request: ResourceApiRequest[Run]) -> HttpResponse:
    """Abort a run; one that is ending or has ended stays as it is."""
    aborting.abort(request.resource, gracefully=flag(request.GET, "gracefully"), by=request.principal)
    return run_response(request)


@needs(Kind.RUN, Permission.WRITE)
def resurrect(request: ResourceApiRequest[Run]) -> HttpResponse:
    """Let a run that has ended go on. Its owner must still be allowed to run its Actor.

    With a `build`, one that was turned into a run of another Actor goes on as what was started.
    """
    run, options = request.resource, parse_options(request.GET)
    check_resurrect(run, options.build, by=request.principal)
    try:
        resurrecting.resurrect(run, options, by=request.principal)
    except resurrecting.NotFinished as error:
        raise _not_now(error) from None
    except (InvalidOption, InvalidInput, CannotRun) as error:
        raise to_api_error(error) from None
    return run_response(request)


@needs(Kind.RUN, Permission.WRITE)
def reboot(request: ResourceApiRequest[Run]) -> HttpResponse:
    """Restart a run that is running."""
    try:
        restarting.reboot(request.resource, by=request.principal)
    except restarting.NotRunning as error:
        raise _not_running(error) from None
    return run_response(request)


@needs(Kind.RUN, Permission.WRITE)
def metamorph(request: ResourceApiRequest[Run]) -> HttpResponse:
    """Turn a run that is running into a run of another Actor, which its owner must be allowed to run."""
    check_metamorph(request.resource, by=request.principal)
    named = request.GET.get("targetActorId", "")
    if not named:
        raise ApiError(HTTPStatus.BAD_REQUEST, "parameter-required", "The parameter targetActorId is required.")
    target = get_or_refuse(request.principal, Kind.ACTOR, named, Permission.RUN)
    body, content_type = parse_input(request)
    build = parse_options(request.GET).build or ""
    try:
        run_starts.metamorph(
            request.resource, target, build=build, input=body, content_type=content_type, by=request.principal
        )
    except restarting.NotRunning as error:
        raise _not_running(error) from None
    except restarting.TooManyMetamorphs as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "max-metamorphs-exceeded", str(error)) from None
    except writing.StoreGone:
        raise ApiError(HTTPStatus.BAD_REQUEST, "record-not-found", "The run's key-value store was deleted.") from None
    except (InvalidInput, CannotRun) as error:
        raise to_api_error(error) from None
    return run_response(request)


@needs(Kind.RUN, Permission.WRITE)
def charge(request: ResourceApiRequest[Run]) -> HttpResponse:
    """Count an event that the run charges for; a second request with the same key is not counted again.

    What goes beyond the most that the run may charge is left out, and answered like what is not.
    """
    wanted = request_body.read_json(request, Charge)
    key = request.META.get("HTTP_IDEMPOTENCY_KEY") or wanted.request_id or ""
    try:
        charging.charge(request.resource, wanted.event_name, wanted.count, idempotency_key=key)
    except charging.CannotCharge as error:
        if error.field:
            raise invalid_value(error.field, str(error)) from None
        raise ApiError(HTTPStatus.BAD_REQUEST, error.type, str(error)) from None
    return json_responses.json_response(b"{}", json_responses.CREATED)


def _not_running(error: restarting.NotRunning) -> ApiError:
    type_ = "job-finished" if error.has_finished else "operation-not-allowed"
    return ApiError(HTTPStatus.BAD_REQUEST, type_, str(error))


def _not_now(error: Exception) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, "operation-not-allowed", str(error))
