"""The page of a schedule: when it fires next, what it starts, and what came of it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone as clock
from django.views.decorators.http import require_POST, require_safe

from accounts.request_types import PageRequest
from console.pages.components import resource_page
from console.pages.components.resource_page import Tab
from console.pages.schedules.forms import TimesForm
from console.pages.schedules.presentation import action_lines, describe_times, log_lines
from resources.edit_locked import ResourceGone
from resources.kinds import Kind
from resources.models import Schedule, ScheduleInvocation
from resources.schedules import editing
from resources.schedules.actions import MAX_ACTIONS, get_actions
from resources.schedules.times import InvalidTimes
from sharing.declare import any_token, needs
from sharing.enforcement import refusals
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission

LOG_LINES = 200


@needs(Kind.SCHEDULE, Permission.READ)
@require_safe
def show_schedule(request: ResourcePageRequest[Schedule]) -> HttpResponse:
    """Show when a schedule fires and what it starts; who may change it can change the times here."""
    schedule = request.resource
    form = TimesForm(initial={"cron_expression": schedule.cron_expression, "timezone": schedule.timezone})
    return _page(request, form)


@needs(Kind.SCHEDULE, Permission.WRITE)
@require_POST
def save(request: ResourcePageRequest[Schedule]) -> HttpResponse:
    """Save when a schedule fires."""
    schedule = request.resource
    form = TimesForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    change = editing.ScheduleChange(
        cron_expression=form.cleaned_data["cron_expression"], timezone=form.cleaned_data["timezone"]
    )
    try:
        editing.update(schedule, change, by=request.principal)
    except editing.InvalidSchedule as problem:
        form.refuse(problem)
        return _page(request, form, status=422)
    except ResourceGone:
        return refusals.missing(request, Kind.SCHEDULE)
    messages.success(request, "Saved. The schedule fires at these times from now on.")
    return redirect(schedule.console_path)


@needs(Kind.SCHEDULE, Permission.WRITE)
@require_POST
def switch(request: ResourcePageRequest[Schedule]) -> HttpResponse:
    """Enable or disable a schedule."""
    schedule = request.resource
    on = request.POST.get("enabled") == "1"
    try:
        editing.update(schedule, editing.ScheduleChange(is_enabled=on), by=request.principal)
    except editing.InvalidSchedule as problem:
        messages.error(request, f"The schedule cannot be enabled. {problem.field}: {problem}")
    except ResourceGone:
        return refusals.missing(request, Kind.SCHEDULE)
    else:
        messages.success(request, "The schedule is enabled." if on else "The schedule is disabled, and starts nothing.")
    return redirect(schedule.console_path)


@needs(Kind.SCHEDULE, Permission.READ)
@require_safe
def log(request: ResourcePageRequest[Schedule]) -> HttpResponse:
    """Show what came of each time that a schedule fired, the newest first."""
    found = ScheduleInvocation.objects.filter(schedule_id=request.resource.pk).order_by("-pk")[:LOG_LINES]
    lines = log_lines(found, request.principal)
    return render(request, "schedules/log.html", {**_head(request, "log"), "lines": lines, "most": LOG_LINES})


@any_token("it reads nothing of the account")
@require_safe
def preview(request: PageRequest) -> HttpResponse:
    """Say what a cron expression means in a time zone, while the user types it."""
    context: dict[str, Any] = {}
    try:
        context["times"] = describe_times(request.GET.get("cron_expression", ""), request.GET.get("timezone", ""))
    except InvalidTimes as problem:
        context["problem"] = str(problem)
    return render(request, "schedules/_times.html", context)


def _page(request: ResourcePageRequest[Schedule], form: TimesForm, status: int = 200) -> HttpResponse:
    schedule = request.resource
    actions = get_actions(schedule)
    try:
        shown = describe_times(schedule.cron_expression, schedule.timezone, clock.now())
    except InvalidTimes:
        shown = None
    context = {
        **_head(request, "schedule"),
        "form": form,
        "times": shown,
        "actions": action_lines(actions, request.principal),
        "has_room": len(actions) < MAX_ACTIONS,
    }
    return render(request, "schedules/schedule.html", context, status=status)


def _head(request: ResourcePageRequest[Schedule], tab: str) -> dict[str, Any]:
    schedule = request.resource
    tabs = [
        Tab("Schedule", schedule.console_path, tab == "schedule"),
        Tab("Log", f"{schedule.console_path}/log", tab == "log"),
    ]
    return {**resource_page.page_context(request, heading=schedule.title, tabs=tabs), "schedule": schedule}
