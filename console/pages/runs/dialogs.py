"""The dialogs of a run: abort, resurrect, delete."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.lib.api_errors import ApiError
from console.pages.components import dialogs
from console.pages.components.run_options_form import OptionsForm
from resources.jobs.status import JobStatus
from resources.kinds import KINDS, Kind
from resources.models import Run
from resources.runs import aborting, deleting, resurrecting
from resources.runs.cannot_run import CannotRun
from resources.runs.inputs import InvalidInput
from resources.runs.options import InvalidOption, options_of_run
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission
from sharing.policies.resurrecting import check_resurrect

RUNS_PATH = f"/{KINDS[Kind.RUN].console_path}"


@needs(Kind.RUN, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def abort(request: ResourcePageRequest[Run]) -> HttpResponse:
    """Ask how, then abort a run."""
    run = request.resource
    if request.method == "POST":
        if aborting.abort(run, gracefully=request.POST.get("how") == "gracefully", by=request.principal):
            messages.success(request, _aborted(run.status))
        else:
            messages.info(request, "The run had ended already." if run.is_finished else "The run is being stopped.")
        return dialogs.redirect_from_dialog(request, run.console_path)
    seconds = settings.WORKER_GRACE_SECS
    grace = "1 second" if seconds == 1 else f"{seconds:g} seconds"
    return dialogs.render_dialog(request, "runs/_abort.html", title="Abort run?", run=run, grace=grace)


@needs(Kind.RUN, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def resurrect(request: ResourcePageRequest[Run]) -> HttpResponse:
    """Let a run that has ended go on, with other options if these are given."""
    run = request.resource
    before = options_of_run(run)
    initial = {"timeout_secs": before.timeout_secs, "memory_mbytes": before.memory_mbytes}
    form = OptionsForm(request.POST if request.method == "POST" else None, initial=initial)
    form.fields["build"].help_text = f"{run.build_number or 'The same build'}, unless you give another tag or number."
    if request.method == "POST" and form.is_valid():
        try:
            options = form.options()
            check_resurrect(run, options.build, by=request.principal)
            resurrecting.resurrect(run, options, by=request.principal)
        except resurrecting.NotFinished:
            messages.info(request, "The run has not ended, so that there is nothing to resurrect.")
            return dialogs.redirect_from_dialog(request, run.console_path)
        except InvalidOption as problem:
            form.refuse(problem)
        except CannotRun as problem:
            form.refuse_run(problem)
        except InvalidInput as problem:
            form.add_error("build", str(problem))
        except ApiError as problem:
            form.add_error("build", problem.message)
        else:
            messages.success(request, "The run goes on as soon as a worker takes it.")
            return dialogs.redirect_from_dialog(request, run.console_path)
    return dialogs.render_dialog(request, "runs/_resurrect.html", title="Resurrect run", form=form, run=run)


@needs(Kind.RUN, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ResourcePageRequest[Run]) -> HttpResponse:
    """Ask, then delete a run that has ended, with its storages."""
    run = request.resource
    try:
        if request.method == "POST":
            was_there = deleting.delete(run, by=request.principal)
            messages.success(request, f"The run {run.pk} was deleted{'' if was_there else ' already'}.")
            return dialogs.redirect_from_dialog(request, RUNS_PATH)
    except deleting.NotFinished as problem:
        messages.error(request, str(problem))
        return dialogs.redirect_from_dialog(request, run.console_path)
    return dialogs.render_dialog(request, "runs/_delete.html", title="Delete run?", run=run)


def _aborted(status: str) -> str:
    return "The run was aborted." if status == JobStatus.ABORTED else "The run is being aborted."
