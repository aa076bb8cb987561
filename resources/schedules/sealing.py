"""Encrypting the secret input fields that tasks and schedules have saved in plain text.

They have some where they are older than the encryption, or where no build said yet which fields are secret.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db.models import QuerySet

from accounts.lib.encryption import CannotDecrypt
from resources.runs.saved_options import load_options
from resources.schedules import actions
from resources.schedules.secrets import with_secrets_sealed
from resources.secret_inputs.fields import Holder, SecretsRefused
from resources.secret_inputs.saved import GetModel, NotAnObject, encrypt_saved_input, load_schema

_REFUSED = (NotAnObject, SecretsRefused, CannotDecrypt)


@dataclass(slots=True)
class Sealed:
    """How many inputs were encrypted, and how many were left as they are because that is not possible.

    `owners` are the IDs of the accounts whose inputs were encrypted.
    """

    encrypted: int = 0
    left: int = 0
    owners: set[str] = field(default_factory=set)


def encrypt_saved_inputs(
    actor_ids: list[str] | None = None, *, model: GetModel = apps.get_model
) -> tuple[Sealed, Sealed]:
    """Encrypt what the tasks and schedules of these Actors have saved, of all Actors without `actor_ids`.

    Returns what became of tasks, and of schedules. Nothing is encrypted twice, and an input that
    is changed at the same time is left as it is. `model` gives the models, in a migration as they were then.
    """
    if actor_ids is None:
        actor_ids = _actors_with_secret_fields(model)
    tasks = model("resources", "Task").objects.filter(actor_id__in=actor_ids).order_by("pk")
    named = [*actor_ids, *tasks.values_list("pk", flat=True)]
    return _seal_tasks(tasks, model), _seal_schedules(set(named), model)


def _actors_with_secret_fields(model: GetModel) -> list[str]:
    builds = model("resources", "Build").objects.filter(content__input_schema__contains="isSecret")
    return sorted(set(builds.exclude(actor_id=None).values_list("actor_id", flat=True)))


def _seal_tasks(tasks: "QuerySet[Any]", model: GetModel) -> Sealed:
    done = Sealed()
    for task in tasks.exclude(input="").iterator():
        schema = load_schema(task.actor_id, load_options(task.options).build or "", model)
        holder = Holder(task.owner_id, task.actor_id, key_pairs=model("resources", "InputKeyPair"))
        try:
            text = encrypt_saved_input(task.input, schema, holder)
        except _REFUSED:
            done.left += 1
            continue
        if not _same(text, task.input):
            done.encrypted += tasks.model.objects.filter(pk=task.pk, input=task.input).update(input=text)
            done.owners.add(task.owner_id)
    return done


def _seal_schedules(named: set[str], model: GetModel) -> Sealed:
    schedules, done = model("resources", "Schedule").objects, Sealed()
    for schedule in schedules.exclude(actions="[]").order_by("pk").iterator():
        kept = actions.parse_actions(schedule.actions)
        if not any(_started_by(action) in named for action in kept):
            continue
        try:
            sealed = [with_secrets_sealed(action, schedule.owner_id, model) for action in kept]
        except _REFUSED:
            done.left += 1
            continue
        text = actions.dump_actions(sealed)
        if not _same(text, schedule.actions):
            done.encrypted += schedules.filter(pk=schedule.pk, actions=schedule.actions).update(actions=text)
            done.owners.add(schedule.owner_id)
    return done


def _same(text: str, other: str) -> bool:
    """Tell whether two JSON texts say the same, however they are laid out."""
    return text == other or json.loads(text) == json.loads(other)


def _started_by(action: actions.Action) -> str:
    return action.actor_id if isinstance(action, actions.RunActor) else action.actor_task_id
