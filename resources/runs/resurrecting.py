"""Resurrecting a run that has ended: it goes on with what it has stored."""

from datetime import timedelta

from django.db import transaction

from accounts import audit
from accounts.lib import database_clock
from accounts.principal import Principal
from resources import permission_levels
from resources.jobs.status import FINISHED, JobStatus
from resources.models import Actor, Build, Run
from resources.runs import account_limits, approvals, charging, inputs
from resources.runs.cannot_run import CannotRun
from resources.runs.definitions import load_definition, read_memory
from resources.runs.options import RunOptions, options_of_run
from resources.runs.restarting import build_holder, get_input_key, kept_input
from resources.runs.run_storages import make_missing
from resources.runs.starting import DISK_PER_MEMORY, INPUT_KEY, build_to_run, upload_input
from resources.runs.tokens import scope_within, starters_with, starting_token
from resources.webhooks.events import RUN_RESURRECTED, emit_event


class NotFinished(ValueError):
    """The run has not ended, so that there is nothing to resurrect."""


def resurrect(run: Run, options: RunOptions, *, by: Principal) -> None:
    """Let a run that has ended go on, with the same storages; it is READY until a worker takes it.

    It keeps what it was given before where `options` leave the choice, its very build too: another build only where
    `options.build` names one. That is a build of the Actor that was started, so a run that has been turned into
    another Actor's begins again as what it was, with its first input. Its permission level is never higher than it was.
    `run` is as it is afterwards.

    Raises:
        NotFinished: when it has not ended, or was resurrected by another request just now.
        CannotRun: when its Actor or build is gone, there is no such build, its owner has as much at work as may be, or
            the runs that go on and have started it are as deep as may be.
        InvalidInput: when its first input is not what the build that is named asks for, or the input that it goes on
            with has a value that was encrypted for another account, Actor or field.
        InvalidOption: when an option is not possible.
    """
    chosen = options.over(options_of_run(run)).checked()
    build = _build(run, options.build)
    definition = load_definition(build)
    if options.memory_mbytes is not None:
        read_memory(definition).hold(options.memory_mbytes)
    key = get_input_key(run) if options.build is None else INPUT_KEY
    record, holder = kept_input(run, key), build_holder(run, build)
    if options.build is not None:
        inputs.check_record(build, record, holder)
    stored = inputs.reencrypt_input(build, record, holder) if record else None
    memory = chosen.memory_mbytes or 0
    store_id, content_type = (record.store_id, record.content_type) if record else ("", "")
    account_limits.check_depth(run.started_by_run)
    with upload_input(store_id, stored, content_type) as upload, transaction.atomic():
        account_limits.check(run.owner_id, memory)
        level = _level(run, build, options)
        changed = Run.objects.filter(pk=run.pk, status__in=FINISHED, resurrect_count=run.resurrect_count).update(
            status=JobStatus.READY,
            status_message="",
            is_status_message_terminal=False,
            exit_code=None,
            before_millis=run.before_millis + _ran_for(run) // timedelta(milliseconds=1),
            started_at=database_clock.now(),
            finished_at=None,
            graceful_until=None,
            restart_requested=False,
            worker="",
            lease_expires_at=None,
            resurrect_count=run.resurrect_count + 1,
            token_scope=scope_within(run.token_scope, by, run.owner_id),
            starters=starters_with(run, by),
            permission_level=level,
            started_by_token=starting_token(run, by),
            build=build,
            build_number=build.number,
            build_option=chosen.build or "",
            metamorphs=run.metamorphs if options.build is None else [],
            # Those of the first input are not kept beside those of a metamorph's.
            input_names=None if options.build is not None and run.metamorphs else run.input_names,
            timeout_secs=chosen.timeout_secs or 0,
            memory_mbytes=memory,
            disk_mbytes=memory * DISK_PER_MEMORY,
            max_items=chosen.max_items,
            max_total_charge_usd=chosen.max_total_charge_usd,
            restart_on_error=bool(chosen.restart_on_error),
        )
        if not changed:
            raise NotFinished("Only a run that has finished can be resurrected.")
        run.refresh_from_db()
        make_missing(run, definition)
        audit.record("run.resurrected", by=by, account_id=run.owner_id, subject_kind=run.kind, subject_id=run.pk)
        emit_event(run, RUN_RESURRECTED)
        charging.charge_start(run)
        run.refresh_from_db()
        if upload is not None:
            upload.put_in_place(key)


def _build(run: Run, option: str | None) -> Build:
    actor = getattr(run.actor, "as_actor", None) if run.actor_id else None
    if actor is None:
        raise CannotRun("actor-not-found", "The Actor of this run was deleted.")
    if option is not None:
        return build_to_run(actor, option)
    if run.build is None:
        raise CannotRun("build-not-found", "The build of this run was deleted. Choose another one.")
    return run.build


def _level(run: Run, build: Build, options: RunOptions) -> str | None:
    """Return the permission level that a run goes on with, which its owner has approved."""
    actor = Actor.objects.filter(pk=build.actor_id).first()
    of_actor = actor.permission_level if actor else None
    level = permission_levels.lower_of(run.permission_level, of_actor, options.force_permission_level)
    if actor is not None:
        approvals.check(actor, run.owner_id, level)
    return level


def _ran_for(run: Run) -> timedelta:
    if run.started_at is None or run.finished_at is None:
        return timedelta()
    return max(timedelta(), run.finished_at - run.started_at)
