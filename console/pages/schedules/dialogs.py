"""The dialogs of schedules: make one, add to what it starts and take away from it, rename, delete."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.lib.api_errors import ApiError
from accounts.principal import Principal
from accounts.request_types import PageRequest
from console.http.form_limits import BYTES_PER_CHARACTER, limit_form_size
from console.pages.components import dialogs
from console.pages.components.resource_dialogs import delete_resource, rename_resource, try_to_name
from console.pages.schedules.forms import MAX_INPUT, ActionForm, NewScheduleForm, build_change, owner_principal
from console.pages.schedules.presentation import action_lines
from resources.edit_locked import ResourceGone
from resources.kinds import KINDS, Kind
from resources.models import Schedule
from resources.schedules import editing
from resources.schedules.actions import Action, get_actions
from sharing.declare import creates, needs
from sharing.enforcement import refusals
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.owner_only import may_choose_code
from sharing.permissions import Permission
from sharing.policies.schedule_targets import check_action
from sharing.policies.selectors import get_allowed_actor

SCHEDULES_PATH = f"/{KINDS[Kind.SCHEDULE].console_path}"
_DAILY = {"cron_expression": "0 6 * * *", "timezone": "UTC"}
_MAY_NOT = "There is no such Actor or task, or it is not shared with you, or you may not run it."


@creates(Kind.SCHEDULE)
@limit_form_size(MAX_INPUT * BYTES_PER_CHARACTER)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: PageRequest) -> HttpResponse:
    """Make a schedule of one's own."""
    asked_for = _asked_for(request)
    initial = {**_DAILY, "starts": next(iter(asked_for), "")}
    form = NewScheduleForm(request.POST if request.method == "POST" else None, initial=initial)
    form.offer(request.principal, asked_for)
    form.offer_secret_fields(request.principal, f"{SCHEDULES_PATH}/new", request.GET.get("starts", ""))
    if request.method == "POST" and form.is_valid():
        schedule = _create(request, form)
        if schedule is not None:
            messages.success(request, f"The schedule “{schedule}” was created.")
            return dialogs.redirect_from_dialog(request, schedule.console_path)
    return dialogs.render_dialog(request, "schedules/_create.html", title="New schedule", form=form)


@needs(Kind.SCHEDULE, Permission.WRITE)
@limit_form_size(MAX_INPUT * BYTES_PER_CHARACTER)
@require_http_methods(["GET", "HEAD", "POST"])
def add_action(request: ResourcePageRequest[Schedule]) -> HttpResponse:
    """Add an Actor or a task to a schedule; only its owner chooses it (`sharing/policies/code_choice.py`)."""
    schedule = request.resource
    form = ActionForm(request.POST if request.method == "POST" else None)
    may_choose = may_choose_code(request.principal, schedule, schedule.actor_id)
    has_choices = may_choose and form.offer(request.principal)
    path = f"{schedule.console_path}/actions/new"
    form.offer_secret_fields(request.principal, path, request.GET.get("starts", ""))
    if request.method == "POST" and form.is_valid():
        action = _checked(form, request.principal, owner_principal(schedule))
        try:
            if action is not None and _add(request, form, action):
                messages.success(request, "It is started when the schedule fires next.")
                return dialogs.redirect_from_dialog(request, schedule.console_path)
        except ResourceGone:
            return refusals.missing(request, Kind.SCHEDULE)
    return dialogs.render_dialog(
        request,
        "schedules/_add_action.html",
        title="Start something",
        form=form,
        schedule=schedule,
        may_choose=may_choose,
        has_choices=has_choices,
    )


@needs(Kind.SCHEDULE, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def remove_action(request: ResourcePageRequest[Schedule], action: str) -> HttpResponse:
    """Ask, then take something away from what a schedule starts."""
    schedule = request.resource
    wanted = [each for each in get_actions(schedule) if each.id == action]
    if not wanted:
        messages.info(request, "The schedule does not start this any more.")
        return dialogs.redirect_from_dialog(request, schedule.console_path)
    line = action_lines(wanted, request.principal)[0]
    if request.method == "POST":
        try:
            editing.update(schedule, lambda locked: _without(locked, action), by=request.principal)
        except ResourceGone:
            return refusals.missing(request, Kind.SCHEDULE)
        messages.success(request, f"The schedule does not start the {line.info.noun} {line.name} any more.")
        return dialogs.redirect_from_dialog(request, schedule.console_path)
    return dialogs.render_dialog(
        request, "schedules/_remove_action.html", title="Do not start it any more?", schedule=schedule, line=line
    )


@needs(Kind.SCHEDULE, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: ResourcePageRequest[Schedule]) -> HttpResponse:
    """Give a schedule another name."""
    schedule, by = request.resource, request.principal
    return rename_resource(request, lambda name: editing.update(schedule, editing.ScheduleChange(name=name), by=by))


@needs(Kind.SCHEDULE, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ResourcePageRequest[Schedule]) -> HttpResponse:
    """Ask, then delete a schedule with its log. What it started stays."""
    return delete_resource(
        request,
        lambda: editing.delete(request.resource, by=request.principal),
        content="log",
        consequences=", and starts nothing any more. What it started stays.",
    )


def _create(request: PageRequest, form: NewScheduleForm) -> Schedule | None:
    actions: list[Action] = []
    if form.cleaned_data["starts"]:
        action = _checked(form, request.principal, request.principal)
        if action is None:
            return None
        actions = [action]
    try:
        return try_to_name(
            form, lambda: editing.create(request.account.pk, build_change(form, actions), by=request.principal)
        )
    except editing.InvalidSchedule as problem:
        form.refuse(problem)
        return None


def _checked(form: ActionForm, by: Principal, owner: Principal) -> Action | None:
    """Return the action of a form, if the principal may save it in a schedule of the owner; else add the error."""
    action = form.action()
    problem = _MAY_NOT
    try:
        if action is not None:
            return check_action(action, by, owner)
    except ApiError as refusal:
        problem = refusal.message if refusal.status == HTTPStatus.FORBIDDEN else _MAY_NOT
    form.add_error("starts", problem)
    return None


def _without(schedule: Schedule, action_id: str) -> editing.ScheduleChange:
    return editing.ScheduleChange(actions=[each for each in get_actions(schedule) if each.id != action_id])


def _add(request: ResourcePageRequest[Schedule], form: ActionForm, action: Action) -> bool:
    try:
        editing.update(
            request.resource,
            lambda locked: editing.ScheduleChange(actions=[*get_actions(locked), action]),
            by=request.principal,
        )
    except editing.InvalidSchedule as problem:
        form.add_error("starts", f"{problem.field.capitalize()}: {problem}")
        return False
    return True


def _asked_for(request: PageRequest) -> dict[str, str]:
    """Return the Actor that `?actor=` names, as the choice has it; an Actor that is merely public is in no list."""
    address = request.GET.get("actor", "")[:100]
    actor = get_allowed_actor(request.principal, address, Permission.RUN) if address else None
    return {f"{Kind.ACTOR.value}:{actor.pk}": f"{actor.owner.username}/{actor.name or actor.pk}"} if actor else {}
