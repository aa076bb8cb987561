"""Restarting a run that is at work: as what it is, by a reboot, or as another Actor, by a metamorph.

The worker that has it stops what runs and starts anew, with the same storages.
"""

from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.lib.timestamps import iso
from accounts.principal import Principal
from resources import permission_levels
from resources.jobs.status import FINISHED, JobStatus
from resources.kinds import Kind
from resources.models import Actor, Build, Record, Resource, Run
from resources.records import reading, writing
from resources.runs import approvals, inputs
from resources.runs.definitions import load_definition
from resources.runs.input_names import CallerInput, find_named
from resources.runs.run_storages import make_missing
from resources.runs.starting import (
    DEFAULT_CONTENT_TYPE,
    INPUT_KEY,
    ResolveNames,
    build_to_run,
    name_nothing,
    upload_input,
)
from resources.runs.tokens import scope_within, starters_with, starting_token
from resources.secret_inputs.fields import Holder

# A run that goes on turning into something else is a loop.
MAX_METAMORPHS: Final = 10
# Clients that race against the end of a run look for these words.
ALREADY_FINISHED: Final = "This run has already finished."


class NotRunning(ValueError):
    """The run is not RUNNING, so that there is nothing to restart; `has_finished` says whether it was before."""

    def __init__(self, problem: str, run_id: str) -> None:
        self.has_finished = Run.objects.filter(pk=run_id, status__in=FINISHED).exists()
        super().__init__(f"{problem} {ALREADY_FINISHED}" if self.has_finished else problem)


class TooManyMetamorphs(ValueError):
    """The run has turned into something else too often."""


def reboot(run: Run, *, by: Principal) -> None:
    """Have a run restarted from its beginning. `run` is as it is afterwards.

    Raises:
        NotRunning: when it is not RUNNING.
    """
    with transaction.atomic():
        changed = Run.objects.filter(pk=run.pk, status=JobStatus.RUNNING).update(
            restart_requested=True, reboot_count=F("reboot_count") + 1
        )
        if not changed:
            raise NotRunning("Only a run that is running can be rebooted.", run.pk)
        audit.record("run.rebooted", by=by, account_id=run.owner_id, subject_kind=run.kind, subject_id=run.pk)
    run.refresh_from_db()


def metamorph(
    run: Run,
    target: Actor,
    *,
    by: Principal,
    build: str = "",
    input: bytes | None = None,  # what everybody calls it
    content_type: str = "",
    resolve_names: ResolveNames = name_nothing,
) -> None:
    """Have a run go on as another Actor, with an input of its own. `run` is as it is afterwards.

    It stays a run of the Actor that was started: the account that started it sees it go on to its end. Its owner must
    be allowed to run the `target`, which has been decided before. What it is given is kept beside its first input, and
    so is the input that it has where secret fields of it are encrypted anew for the `target`. From then on the run has
    the lower one of its permission level and the target's, and may use the storages that the new `input` names.

    Raises:
        NotRunning: when it is not RUNNING.
        CannotRun: when the target has no such build, or the run's owner has not approved it for full permissions.
        InvalidInput: when the input that it would go on with is not what that build asks for.
        TooManyMetamorphs: when it has turned into something else MAX_METAMORPHS times.
    """
    chosen = build_to_run(target, build)
    content_type = content_type or DEFAULT_CONTENT_TYPE
    level, names = permission_levels.lower_of(run.permission_level, target.permission_level), None
    if level is not None or target.owner_id != run.owner_id:
        names = resolve_names(find_named(inputs.get_input_schema(chosen), CallerInput(given=input)))
    holder = build_holder(run, chosen, before=(run.current_actor_id,))
    if input is None:
        record = kept_input(run, get_input_key(run))
        inputs.check_record(chosen, record, holder)
        input = inputs.reencrypt_input(chosen, record, holder) if record else None
        content_type = record.content_type if record else content_type
    else:
        input, content_type = inputs.accept_input(chosen, input, content_type, holder)
    store_id = "" if input is None else _store_id(run)
    with upload_input(store_id, input, content_type) as upload, transaction.atomic():
        locked = Run.objects.select_for_update(of=("self",)).filter(pk=run.pk, status=JobStatus.RUNNING).first()
        if locked is None:
            raise NotRunning("Only a run that is running can be turned into a run of another Actor.", run.pk)
        approvals.check(target, run.owner_id, level)
        number = len(locked.metamorphs) + 1
        if number > MAX_METAMORPHS:
            raise TooManyMetamorphs(f"A run can be turned into a run of another Actor {MAX_METAMORPHS} times at most.")
        key = f"{INPUT_KEY}-METAMORPH-{number}" if input is not None else None
        made: dict[str, Any] = {
            "createdAt": iso(timezone.now()),
            "actorId": target.pk,
            "buildId": chosen.pk,
            "inputKey": key,
        }
        Run.objects.filter(pk=run.pk).update(
            restart_requested=True,
            build=chosen,
            build_number=chosen.number,
            build_option=build or target.default_build,
            metamorphs=[*locked.metamorphs, made],
            token_counter=(locked.token_counter or 0) + 1,  # it may be another's code now
            token_scope=scope_within(locked.token_scope, by, locked.owner_id),
            starters=starters_with(locked, by),
            input_names=names or None,
            permission_level=permission_levels.lower_of(locked.permission_level, target.permission_level),
            started_by_token=starting_token(locked, by),
        )
        make_missing(locked, load_definition(chosen))
        audit.record("run.metamorphed", by=by, account_id=run.owner_id, subject_kind=run.kind, subject_id=run.pk)
        if key and upload is not None:
            upload.put_in_place(key)
    run.refresh_from_db()


def get_input_key(run: Run) -> str:
    """Return the key of the record that is a run's input now: that of its last metamorph that had one, or INPUT."""
    keys = [each["inputKey"] for each in run.metamorphs if each.get("inputKey")]
    return str(keys[-1]) if keys else INPUT_KEY


def build_holder(run: Run, build: Build, *, before: tuple[str, ...] = ()) -> Holder:
    """Return whose secrets the input of a run holds that goes on with a build, having been the Actors `before`."""
    return Holder(run.owner_id, build.actor_id or "", before)


def kept_input(run: Run, key: str) -> Record | None:
    """Return the record that a run keeps an input in; None where it has none, or its store is gone."""
    store = _found_store(run)
    return reading.find(store, key) if store else None


def _store_id(run: Run) -> str:
    store = _found_store(run)
    if store is None:
        raise writing.StoreGone(run.pk)
    return store


def _found_store(run: Run) -> str | None:
    return (
        Resource.objects.filter(run_id=run.pk, alias=None, kind=Kind.KEY_VALUE_STORE)
        .values_list("pk", flat=True)
        .first()
    )
