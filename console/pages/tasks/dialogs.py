"""The dialogs of tasks: make one of an Actor, rename, delete."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods
from msgspec import UNSET

from accounts.request_types import PageRequest
from console.http.form_limits import BYTES_PER_CHARACTER, limit_form_size
from console.pages.components import dialogs
from console.pages.components.resource_dialogs import delete_resource, name_field, rename_resource, try_to_name
from console.pages.components.run_input_form import MAX_INPUT, InputForm
from console.pages.components.secret_fields import refetched_on_change
from resources.kinds import KINDS, Kind
from resources.models import Task
from resources.runs.options import MAX_BUILD_LENGTH
from resources.runs.saved_options import SavedOptions
from resources.secret_inputs.saved import load_schema
from resources.storages import NAME_RULES
from resources.tasks import editing
from sharing.declare import creates, needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission
from sharing.policies.selectors import get_allowed_actor, runnable_choices

TASKS_PATH = f"/{KINDS[Kind.TASK].console_path}"


class NewTaskForm(InputForm):
    """The Actor of a new task, its name, and the input and options of its runs."""

    first_field = "actor"

    actor = forms.CharField(
        label="Actor", max_length=200, widget=forms.Select(attrs=refetched_on_change(f"{TASKS_PATH}/new"))
    )
    name = name_field(required=False, help_text=f"{NAME_RULES} Left empty, it is named after the Actor.")
    field_order = ("actor", "name", "input", "build", "timeout_secs", "memory_mbytes")


@creates(Kind.TASK)
@limit_form_size(MAX_INPUT * BYTES_PER_CHARACTER)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: PageRequest) -> HttpResponse:
    """Create a task of an Actor that the user can run."""
    form = NewTaskForm(request.POST if request.method == "POST" else None, initial=_initial(request))
    wanted = form["actor"].value() or ""
    choices = _choices(request, str(wanted))
    form.fields["actor"].widget.choices = choices
    actor = get_allowed_actor(request.principal, str(wanted)[:200], Permission.RUN) if wanted else None
    form.show_secret_fields(
        load_schema(actor.pk if actor else None, str(form["build"].value() or "")[:MAX_BUILD_LENGTH])
    )
    if request.method == "POST" and form.is_valid():
        task = _create(request, form)
        if task is not None:
            messages.success(request, f"The task “{task}” was created.")
            return dialogs.redirect_from_dialog(request, task.console_path)
    return dialogs.render_dialog(
        request, "tasks/_create.html", title="New task", form=form, has_actors=bool(choices) or form.is_bound
    )


@needs(Kind.TASK, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: ResourcePageRequest[Task]) -> HttpResponse:
    """Give a task another name."""
    task, by = request.resource, request.principal
    return rename_resource(request, lambda name: editing.update(task, editing.TaskChange(name=name), by=by))


@needs(Kind.TASK, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ResourcePageRequest[Task]) -> HttpResponse:
    """Ask, then delete a task. Its runs stay."""
    return delete_resource(
        request,
        lambda: editing.delete(request.resource, by=request.principal),
        content="input",
        consequences=". Schedules do not start it any more. Its runs stay.",
    )


def _create(request: PageRequest, form: NewTaskForm) -> Task | None:
    data = form.cleaned_data
    actor = get_allowed_actor(request.principal, data["actor"], Permission.RUN)
    if actor is None:
        form.add_error("actor", "There is no such Actor, or it is not shared with you, or you may not run it.")
        return None
    saved = SavedOptions(
        build=data["build"] or None, timeout_secs=data["timeout_secs"], memory_mbytes=data["memory_mbytes"]
    )
    change = editing.TaskChange(
        name=data["name"] or UNSET, options=saved, input=form.with_secrets(data["input"]) or None
    )
    try:
        return try_to_name(form, lambda: editing.create(request.account.pk, actor, change, by=request.principal))
    except editing.InvalidTask as problem:
        form.add_error(problem.field if problem.field in form.fields else None, str(problem))
        return None


def _initial(request: PageRequest) -> dict[str, str]:
    return {"actor": request.GET.get("actor", "")[:200]}


def _choices(request: PageRequest, wanted: str) -> list[tuple[str, str]]:
    """Return the Actors that the user can run, with the one that the URL names."""
    found = runnable_choices(Kind.ACTOR, request.principal)
    choices = {each.id: f"{each.owner_username}/{each.name or each.id}" for each in found}
    asked_for = (
        get_allowed_actor(request.principal, wanted, Permission.RUN) if wanted and wanted not in choices else None
    )
    if asked_for is not None:
        choices = {wanted: f"{asked_for.owner.username}/{asked_for.name or asked_for.pk}", **choices}
    return list(choices.items())
