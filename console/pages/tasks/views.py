"""The page of a task: its input and options, to be read and changed, and its runs."""

from typing import Any

import msgspec
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.lib.api_errors import ApiError
from accounts.request_context import client_details
from console.http.form_limits import BYTES_PER_CHARACTER, limit_form_size
from console.pages.components import resource_page
from console.pages.components.level_sentences import level_label
from console.pages.components.listing import get_paging
from console.pages.components.resource_page import Tab
from console.pages.components.run_input_form import MAX_INPUT, InputForm
from console.pages.components.secret_fields import without_secrets
from console.pages.components.secret_masking import mask_secrets
from console.pages.runs.rows import run_rows
from resources import permission_levels
from resources.edit_locked import ResourceGone
from resources.jobs.status import Origin
from resources.kinds import Kind
from resources.models import Task
from resources.runs import saved_options
from resources.runs.approvals import NotApproved, approval_path
from resources.runs.cannot_run import CannotRun
from resources.runs.inputs import InvalidInput
from resources.runs.options import MAX_BUILD_LENGTH, InvalidOption
from resources.secret_inputs.fields import secret_fields
from resources.secret_inputs.saved import load_schema
from resources.tasks import editing
from sharing import run_starts
from sharing.declare import needs
from sharing.enforcement import refusals
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.lists import listed
from sharing.permissions import Permission
from sharing.policies.code_choice import check_change
from sharing.policies.selectors import actor_link, get_allowed_actor


@needs(Kind.TASK, Permission.READ)
@require_safe
def show_task(request: ResourcePageRequest[Task]) -> HttpResponse:
    """Show a task: its input, which who may change it can change here, or its runs."""
    return _page(request, _form(request.resource))


@needs(Kind.TASK, Permission.WRITE)
@limit_form_size(MAX_INPUT * BYTES_PER_CHARACTER)
@require_POST
def save(request: ResourcePageRequest[Task]) -> HttpResponse:
    """Save the input and the options."""
    task = request.resource
    form = _form(task, request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    data = form.cleaned_data
    try:
        editing.update(
            task,
            lambda locked: check_change(
                locked,
                _change(locked, data, form.with_secrets(data["input"], locked.input)),
                by=request.principal,
            ),
            by=request.principal,
        )
    except ApiError as refusal:
        form.add_error("build", refusal.message)
        return _page(request, form, status=422)
    except editing.InvalidTask as problem:
        form.add_error("input" if problem.field == "input" else None, str(problem))
        return _page(request, form, status=422)
    except ResourceGone:
        return refusals.missing(request, Kind.TASK)
    messages.success(request, "Saved. The next run gets this input and these options.")
    return redirect(task.console_path)


@needs(Kind.TASK, Permission.READ)
@require_safe
def runs(request: ResourcePageRequest[Task]) -> HttpResponse:
    """List the runs of a task that one may see: one's own, and those that are shared with one."""
    task = request.resource
    paging = get_paging(request.GET, request.principal, kinds=(Kind.RUN,), task_id=task.pk)
    found = listed(request.principal, kinds=(Kind.RUN,), task_id=task.pk, offset=paging.offset, limit=paging.size)
    context = {**_head(request, "runs"), "rows": run_rows(found, request.principal), "paging": paging}
    return render(request, "tasks/runs.html", context)


@needs(Kind.TASK, Permission.READ)
@require_POST
def start(request: ResourcePageRequest[Task]) -> HttpResponse:
    """Start a task. It takes RUN on the Actor besides, and the run belongs to the user who starts it."""
    task = request.resource
    actor = get_allowed_actor(request.principal, task.actor_id, Permission.RUN) if task.actor_id else None
    if actor is None:
        messages.error(request, "You may not run the Actor of this task. Ask its owner for the permission to run it.")
        return redirect(task.console_path)
    try:
        run = run_starts.start(
            actor,
            by=request.principal,
            input=task.input.encode() if task.input else None,
            content_type=task.input_content_type,
            task=task,
            said=run_starts.said_over_task(task, None, by=request.principal),
            origin=Origin.WEB,
            client_ip=client_details().get("ip", ""),
            user_agent=request.headers.get("User-Agent", ""),
        )
    except NotApproved:
        return redirect(approval_path(actor.pk))
    except (CannotRun, InvalidInput, InvalidOption) as problem:
        messages.error(request, f"The task was not started. {problem}")
        return redirect(task.console_path)
    return redirect(run.console_path)


def _page(request: ResourcePageRequest[Task], form: InputForm, status: int = 200) -> HttpResponse:
    shown = mask_secrets(request.resource.input, secret_fields(_schema(request.resource)))
    level = form["force_permission_level"].value()
    permissions = level_label(permission_levels.to_keep(level)) if level else "those that the Actor asks for"
    context = {**_head(request, "input"), "form": form, "shown_input": shown, "permissions": permissions}
    return render(request, "tasks/task.html", context, status=status)


def _head(request: ResourcePageRequest[Task], tab: str) -> dict[str, Any]:
    task = request.resource
    tabs = [
        Tab("Input", task.console_path, tab == "input"),
        Tab("Runs", f"{task.console_path}/runs", tab == "runs"),
    ]
    return {
        **resource_page.page_context(request, heading=task.title, tabs=tabs),
        "task": task,
        "actor": actor_link(task.actor_id, request.principal),
    }


def _change(task: Task, data: dict[str, Any], input_: str) -> editing.TaskChange:
    """Return what a form changes; options that it does not show stay as they are."""
    saved = msgspec.structs.replace(
        saved_options.load_options(task.options),
        build=data["build"] or None,
        timeout_secs=data["timeout_secs"],
        memory_mbytes=data["memory_mbytes"],
        force_permission_level=data["force_permission_level"] or None,
    )
    return editing.TaskChange(options=saved, input=input_ or None)


def _schema(task: Task, build: str | None = None) -> str:
    """Return the input schema of the build that a task would start, or of another `build` of its Actor."""
    return load_schema(
        task.actor_id, (saved_options.load_options(task.options).build if build is None else build) or ""
    )


def _form(task: Task, data: Any = None) -> InputForm:
    saved = saved_options.load_options(task.options)
    schema = _schema(task, None if data is None else str(data.get("build", ""))[:MAX_BUILD_LENGTH])
    form = InputForm(
        data,
        initial={
            "input": without_secrets(task.input, schema),
            "build": saved.build,
            "timeout_secs": saved.timeout_secs,
            "memory_mbytes": saved.memory_mbytes,
        },
    )
    form.show_secret_fields(schema, task.input)
    form.fields["input"].widget.attrs.pop("autofocus", None)  # a page is read before it is written on
    form.fields["build"].help_text = "A tag or a number. Left empty, the Actor's default build."
    form.fields["timeout_secs"].help_text = "0 is no limit. Left empty, what the Actor says."
    form.fields["memory_mbytes"].help_text = "A power of 2. Left empty, what the Actor says."
    return form
