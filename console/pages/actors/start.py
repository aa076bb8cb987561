"""The dialog that starts an Actor: its input, as the build's schema fills it in, and the options of the run."""

from dataclasses import dataclass
from typing import Any

import msgspec
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.principal import Principal
from accounts.request_context import client_details
from console.http.form_limits import BYTES_PER_CHARACTER, limit_form_size
from console.pages.actors.tabs import get_title
from console.pages.components import dialogs
from console.pages.components.cells import printable
from console.pages.components.json_format import format_json
from console.pages.components.level_sentences import level_label, run_sentences
from console.pages.components.run_input_form import MAX_INPUT, InputForm
from console.pages.components.visibility_sentences import new_run_sentences
from resources import permission_levels
from resources.actors.builds import build_for
from resources.jobs.status import Origin
from resources.kinds import Kind
from resources.models import Actor, Build, BuildContent, Run
from resources.runs import approvals
from resources.runs.cannot_run import CannotRun
from resources.runs.definitions import load_definition, read_memory
from resources.runs.input_names import CallerInput
from resources.runs.inputs import InvalidInput, get_input_schema
from resources.runs.options import InvalidOption, options_of_actor
from sharing import run_starts
from sharing.access import Parent
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission
from sharing.policies.actor_levels import may_approve
from sharing.visibility.visibility import new_run_visibility

_MOST_PROPERTIES = 200
_MOST_PROBLEMS = 10


@dataclass(frozen=True, slots=True)
class Property:
    """One thing that an input may say, out of the schema of the build."""

    name: str
    title: str
    type: str
    description: str
    is_required: bool


@needs(Kind.ACTOR, Permission.RUN)
@limit_form_size(MAX_INPUT * BYTES_PER_CHARACTER)
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: ResourcePageRequest[Actor]) -> HttpResponse:
    """Start an Actor. The run belongs to the user who starts it."""
    actor = request.resource
    build = build_for(actor, request.GET.get("build", ""))
    schema = _schema(build)
    limits = read_memory(load_definition(build))
    initial = {
        "input": _prefill(schema),
        "build": request.GET.get("build", "") or actor.default_build,
        "timeout_secs": actor.default_timeout_secs,
        "memory_mbytes": None if limits.expression else limits.choose(actor),
    }
    form = InputForm(request.POST if request.method == "POST" else None, initial=initial)
    if limits.expression:
        form.fields["memory_mbytes"].help_text = "A power of 2. Left empty, the Actor computes it from the input."
    form.show_secret_fields(get_input_schema(_get_build(form, actor)))
    if request.method == "POST" and form.is_valid():
        run = _start(request, form)
        if run is not None:
            return dialogs.redirect_from_dialog(request, run.console_path)
    return dialogs.render_dialog(
        request,
        "actors/_start.html",
        title=f"Start {get_title(actor)}",
        form=form,
        actor=actor,
        build=build,
        properties=_properties(schema),
        **_level_context(actor, request.principal),
        readers=new_run_sentences(new_run_visibility(request.account, Parent.of(request.access.facts))),
        can_build=request.access.allows(Permission.BUILD),
    )


def _level_context(actor: Actor, by: Principal) -> dict[str, Any]:
    """Return what the dialog says of the permissions of the run, unless another level is chosen."""
    account_id = by.account_id or ""
    level = permission_levels.lower_of(actor.permission_level, options_of_actor(actor).force_permission_level)
    return {
        "level": level_label(level),
        "may": run_sentences(actor, level, account_id),
        "needs_approval": level is None and not approvals.is_approved(actor, account_id),
        "may_approve": may_approve(by),
    }


def _start(request: ResourcePageRequest[Actor], form: InputForm) -> Run | None:
    text = form.with_secrets(form.cleaned_data["input"])
    try:
        return run_starts.start(
            request.resource,
            by=request.principal,
            input=text.encode() if text else None,
            content_type="application/json; charset=utf-8",
            said=CallerInput(kept=text.encode()),
            options=form.options(),
            origin=Origin.WEB,
            client_ip=client_details().get("ip", ""),
            user_agent=request.headers.get("User-Agent", ""),
        )
    except approvals.NotApproved as problem:
        form.add_error("force_permission_level", str(problem))
    except CannotRun as problem:
        form.refuse_run(problem)
    except InvalidInput as problem:
        form.add_error("input", problem.problems[:_MOST_PROBLEMS])
    except InvalidOption as problem:
        form.refuse(problem)
    return None


def _get_build(form: InputForm, actor: Actor) -> Build | None:
    """Return the build that a form would start, whose secret fields it asks for."""
    return build_for(actor, str(form["build"].value() or ""))


def _schema(build: Build | None) -> dict[str, Any]:
    """Return what a build says of its input; nothing where it says nothing that can be read."""
    content = BuildContent.objects.only("input_schema").filter(build=build).first() if build else None
    try:
        found = msgspec.json.decode(content.input_schema) if content and content.input_schema else {}
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _properties_in(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = schema.get("properties")
    found = found if isinstance(found, dict) else {}
    return {name: each for name, each in list(found.items())[:_MOST_PROPERTIES] if isinstance(each, dict)}


def _prefill(schema: dict[str, Any]) -> str:
    """Return the input that a schema suggests, laid out; an empty object where it suggests none."""
    properties = {name: each for name, each in _properties_in(schema).items() if not each.get("isSecret")}
    found = {name: each["prefill"] for name, each in properties.items() if "prefill" in each}
    text, is_cut = format_json(msgspec.json.encode(found).decode(), MAX_INPUT)
    return "{}" if is_cut else printable(text)


def _properties(schema: dict[str, Any]) -> list[Property]:
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    return [
        Property(
            printable(name),
            printable(str(each.get("title") or "")[:200]),
            printable(str(each.get("type") or "")[:40]),
            printable(str(each.get("description") or "")[:1000]),
            is_required=name in names,
        )
        for name, each in _properties_in(schema).items()
    ]
