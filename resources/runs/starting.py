"""Starting a run: its row, its default storages, its input, and its place in the queue, all of it or nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from accounts.lib import database_clock, disk_space
from accounts.lib.ids import new_id
from accounts.principal import Principal
from resources import permission_levels
from resources.actors.builds import build_for
from resources.jobs.status import Origin
from resources.models import Actor, Build, Run, Task
from resources.records import writing
from resources.runs import account_limits, approvals, charging, inputs
from resources.runs.cannot_run import CannotRun
from resources.runs.definitions import load_definition, read_memory
from resources.runs.input_names import CallerInput, NamedStorage, find_named
from resources.runs.options import RunOptions, options_of_actor, options_of_task
from resources.runs.run_storages import make_storages
from resources.runs.tokens import scope_within, starters_with
from resources.secret_inputs.fields import Holder
from resources.webhooks.editing import WebhookChange, add_ad_hoc
from resources.webhooks.events import RUN_CREATED, emit_event

INPUT_KEY: Final = "INPUT"
DEFAULT_CONTENT_TYPE: Final = "application/octet-stream"
# What a run may write to its own directory, for each megabyte of memory.
DISK_PER_MEMORY: Final = 2


ResolveNames = Callable[[Sequence[NamedStorage]], Mapping[str, list[str]]]


def name_nothing(named: Sequence[NamedStorage]) -> Mapping[str, list[str]]:
    """Let an input name nothing, where no one decides on it."""
    return {}


def start(
    actor: Actor,
    *,
    by: Principal,
    input: bytes | None = None,  # what everybody calls it
    content_type: str = "",
    options: RunOptions | None = None,
    task: Task | None = None,
    origin: str = Origin.API,
    schedule_id: str = "",
    scheduled_at: datetime | None = None,
    webhooks: Iterable[tuple[WebhookChange, str | None]] = (),
    client_ip: str = "",
    user_agent: str = "",
    may_exceed_level: bool = False,
    resolve_names: ResolveNames = name_nothing,
    said: CallerInput | None = None,
) -> Run:
    """Start an Actor, or a task of it, and return the run, which is READY until a worker takes it.

    It belongs to `by`, no matter to whom the Actor and the task belong, and so do its default storages; whether `by`
    may start it has been decided before. `input` is kept under the key INPUT, with the defaults of the fields that it
    leaves out, and its secret fields encrypted for `by` and the Actor. `webhooks` are sent for this run alone, each
    with its idempotency key if it has one. The run has the lower one of the permission levels of the Actor and the
    options; with `may_exceed_level` the options may also raise it, which has been decided before too. `resolve_names`
    decides on the storages that the input names by what the caller has `said`: all of the input, if not given.

    Raises:
        CannotRun: when there is no build to run, the account has as much at work as it may, or it has not approved the
            Actor of another account for full permissions.
        InvalidInput: when the input is not what the build asks for.
        InvalidOption: when an option is not possible.
        InvalidWebhook: when a webhook is not possible.
        ValueError: when the principal is anonymous.
    """
    if by.account_id is None:
        raise ValueError("An anonymous principal cannot start a run.")
    asked = (options or RunOptions()).over(options_of_task(task) if task else RunOptions())
    chosen = asked.over(options_of_actor(actor)).checked()
    build = build_to_run(actor, chosen.build or "")
    definition = load_definition(build)
    limits = read_memory(definition)
    if asked.memory_mbytes is not None:
        limits.hold(asked.memory_mbytes)
    content_type = content_type or DEFAULT_CONTENT_TYPE
    level = _level(actor, chosen.force_permission_level, may_exceed=may_exceed_level)
    names = None
    if level is not None or actor.owner_id != by.account_id:
        names = resolve_names(find_named(inputs.get_input_schema(build), said or CallerInput(given=input)))
    input, content_type = inputs.accept_input(build, input, content_type, Holder(by.account_id, actor.pk))
    if asked.memory_mbytes is None:
        given = inputs.read_fields(input, content_type) if limits.expression else {}
        chosen = replace(chosen, memory_mbytes=limits.choose(actor, given, _by_name(chosen)))
    account_limits.check_depth(by.run.id if by.run else None)
    disk_space.check_database()
    store_id = new_id()
    with upload_input(store_id, input, content_type) as upload, transaction.atomic():
        account_limits.check(by.account_id, chosen.memory_mbytes or 0)
        approvals.check(actor, by.account_id, level)
        run = _make_run(actor, build, chosen, owner_id=by.account_id)
        run.task_id = task.pk if task else None
        run.origin, run.schedule_id, run.scheduled_at = origin, schedule_id, scheduled_at
        run.client_ip, run.user_agent = client_ip[:45], user_agent.replace("\x00", "")[:500]
        run.token_scope = scope_within(None, by, run.owner_id)
        run.starters = starters_with(run, by)
        run.permission_level, run.input_names = level, names or None
        run.created_by_token = by.starting_token_id or None
        run.started_by_token = by.starting_token_id or None
        run.started_by_run = by.run.id if by.run else None
        run.input_bytes = len(input or b"")
        run.event_prices = charging.load_event_prices(actor, run)
        run.save(force_insert=True)
        make_storages(run, definition, store_id)
        count(run)
        add_ad_hoc(run, webhooks)
        emit_event(run, RUN_CREATED)
        if run.event_prices:
            charging.charge_start(run)
            run.refresh_from_db()
        if upload is not None:
            upload.put_in_place(INPUT_KEY)
    return run


def _by_name(options: RunOptions) -> dict[str, Any]:
    """Return the options of a run by their names in the API, but for those that nothing is said of."""
    memory = options.memory_mbytes or 0
    named = {
        "build": options.build,
        "timeoutSecs": options.timeout_secs,
        "memoryMbytes": options.memory_mbytes,
        "diskMbytes": memory * DISK_PER_MEMORY,
        "maxItems": options.max_items,
        "maxTotalChargeUsd": options.max_total_charge_usd,
        "restartOnError": options.restart_on_error,
    }
    return {name: value for name, value in named.items() if value is not None}


def upload_input(
    store_id: str, input: bytes | None, content_type: str
) -> AbstractContextManager[writing.Upload | None]:
    """Give an input as an upload, None where there is none, before a transaction begins in which no bucket is asked."""
    if input is None:
        return nullcontext()
    return writing.upload(store_id, [input], content_type=content_type)


def count(run: Run) -> None:
    """Let the Actor and the task of a new run know that they have one more; call it in the transaction of making it."""
    for model, id_ in ((Actor, run.actor_id), (Task, run.task_id)):
        if id_:
            model.objects.filter(pk=id_).update(run_count=F("run_count") + 1, last_run_at=run.started_at)


def build_to_run(actor: Actor, option: str) -> Build:
    """Return the build that a tag or number of an Actor names; "" names the Actor's default.

    Raises:
        CannotRun: when there is none that has succeeded.
    """
    build = build_for(actor, option)
    if build is None:
        wanted = option or actor.default_build
        type_ = "build-not-found" if wanted.replace(".", "").isdigit() else "unknown-build-tag"
        raise CannotRun(type_, f'The Actor has no build "{wanted}" that has succeeded. Build the Actor first.')
    return build


def _level(actor: Actor, forced: str | None, *, may_exceed: bool) -> str | None:
    if may_exceed and forced == permission_levels.FULL:
        return None
    return permission_levels.lower_of(actor.permission_level, forced)


def _make_run(actor: Actor, build: Build, options: RunOptions, *, owner_id: str) -> Run:
    now = database_clock.now()
    memory = options.memory_mbytes or 0
    return Run(
        owner_id=owner_id,
        actor_id=actor.pk,
        created_at=now,
        modified_at=now,
        started_at=now,
        build=build,
        build_number=build.number,
        build_option=options.build or actor.default_build,
        timeout_secs=options.timeout_secs or 0,
        memory_mbytes=memory,
        disk_mbytes=memory * DISK_PER_MEMORY,
        max_items=options.max_items,
        max_total_charge_usd=options.max_total_charge_usd,
        restart_on_error=bool(options.restart_on_error),
    )
