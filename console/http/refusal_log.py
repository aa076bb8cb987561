"""Log the API calls that a run was refused into the run's own log.

A run is known by the token that was made for it, or by the address that it was given for its calls. A client that calls
without either writes into no log, whatever they ask for: the ID of a storage says nothing of who knows it.
"""

from http import HTTPStatus
from urllib.parse import quote

import msgspec
from django.http import HttpRequest, HttpResponse

from accounts.lib.rate_limits import count_use
from accounts.principal import Principal
from resources.jobs.status import AT_WORK
from resources.kinds import KINDS
from resources.logs.writing import append_line
from resources.models import Run
from sharing.access import Access, general_access_source
from sharing.enforcement.refusals import RefusalDetails
from sharing.permissions import Permission
from sharing.token_limits import is_limited_run
from sharing.visibility.visibility import PublicAccess, everyone

# How many notes a run gets in an hour: a run that is refused in a loop has said what there is to say.
NOTES_PER_HOUR = 50
_MAX_PATH = 300
_IN_PATHS = "/:@!$&'()*+,;=~"


def log_refusal(request: HttpRequest, response: HttpResponse) -> None:
    """Write into the log of the run that made the request what it was refused; do nothing for everybody else."""
    refused: RefusalDetails | None = getattr(request, "refused", None)
    if refused is None and response.status_code != HTTPStatus.UNAUTHORIZED:
        return  # a record that is not there is no refusal
    principal: Principal | None = getattr(request, "principal", None)
    run = _run_that_asked(request, principal)
    if run is not None and count_use("run-notes", run.pk, NOTES_PER_HOUR, 3600):
        append_line(run.pk, _line(request, response, principal, refused, run))


def _run_that_asked(request: HttpRequest, principal: Principal | None) -> Run | None:
    run_id = getattr(request, "from_run", "")
    if not run_id and principal is not None and principal.run:
        run_id = principal.run.id
    return Run.objects.filter(pk=run_id, status__in=AT_WORK).first() if run_id else None


def _line(
    request: HttpRequest, response: HttpResponse, principal: Principal | None, refused: RefusalDetails | None, run: Run
) -> str:
    error = _error(response)
    # One word, so that a path says nothing in the note but which it is.
    asked = f"{request.method} {quote(request.path_info, safe=_IN_PATHS)[:_MAX_PATH]}"
    is_explained = principal is not None and is_limited_run(principal) and response.status_code == HTTPStatus.FORBIDDEN
    if refused is None or is_explained:
        missing = error.get("message", "")
    elif refused.access is not None and _is_known(refused.access, response, run):
        missing = _missing(refused.access, refused.permission or Permission.READ, run)
    elif refused.kind is not None:
        missing = f"There is no such {KINDS[refused.kind].noun}, or it is not shared."
    else:
        missing = ""
    said = [f"ACCESS: {asked} was refused: {response.status_code} {error.get('type', '')}.", _who(principal), missing]
    return " ".join(filter(None, said))


def _is_known(access: Access, response: HttpResponse, run: Run) -> bool:
    """Tell whether readers of the note may learn that the resource exists.

    The code that the run executes reads it too, and had 404 for an answer where no one is to tell a private Actor, or a
    name that is taken, from nothing at all. What belongs to the run's own account is no secret to it.
    """
    return response.status_code != HTTPStatus.NOT_FOUND or access.facts.owner_id == run.owner_id


def _who(principal: Principal | None) -> str:
    if principal is None:
        return ""
    if principal.is_anonymous:
        return "The call had no API token; the one in APIFY_TOKEN speaks for the account that started the run."
    return f"The API token speaks for {principal.username}."


def _missing(access: Access, permission: Permission, run: Run) -> str:
    """Say what would have been needed, and of the settings of the run's own account why."""
    facts = access.facts
    info = KINDS[facts.kind]
    missing = f"Missing: {permission.name} on the {info.noun}"
    _, source = general_access_source(facts)
    if facts.owner_id != run.owner_id or not info.general_access or everyone(facts) is not PublicAccess.NO:
        return f"{missing}."
    because = {"ACCOUNT": " as its owner's account is", "RUN": " as its run is"}.get(source or "", "")
    return f"{missing}. It is Restricted{because}, so its ID alone gives no access."


def _error(response: HttpResponse) -> dict[str, str]:
    try:
        return dict(msgspec.json.decode(response.content)["error"])
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        return {}
