"""The secret input fields of what a schedule starts, which are encrypted for its owner: its runs are its owner's."""

import msgspec
from django.apps import apps

from resources.records.content_types import is_json
from resources.runs.saved_options import load_options
from resources.schedules.actions import JSON_TYPE, Action, RunActor, RunActorTask
from resources.secret_inputs.fields import Holder, secret_fields
from resources.secret_inputs.saved import GetModel, NotAnObject, encrypt_saved_input, load_schema


def input_field_for(action: Action) -> str:
    """Return what the API calls the input of an action."""
    return "runInput.body" if isinstance(action, RunActor) else "input"


def with_secrets_sealed(action: Action, owner_id: str, model: GetModel = apps.get_model) -> Action:
    """Return an action with the secret fields of its input encrypted for the schedule's owner.

    `model` gives the models, in a migration as they were then.

    Raises:
        NotAnObject: when the input is not a JSON object, and the Actor has secret fields.
        ForeignSecret: when a value was encrypted for another account, Actor or field.
        CannotDecrypt: when the key was stored with a SECRET_KEY that this server does not know.
    """
    if isinstance(action, RunActor):
        return _of_actor(action, owner_id, model)
    return _of_task(action, owner_id, model)


def _of_actor(action: RunActor, owner_id: str, model: GetModel) -> Action:
    run_input = action.run_input
    if run_input is None or not run_input.body:
        return action
    schema = load_schema(action.actor_id, (action.run_options.build if action.run_options else None) or "", model)
    if not is_json(run_input.content_type or JSON_TYPE):
        if secret_fields(schema):
            raise NotAnObject
        return action
    holder = Holder(owner_id, action.actor_id, key_pairs=model("resources", "InputKeyPair"))
    body = encrypt_saved_input(run_input.body, schema, holder)
    return msgspec.structs.replace(action, run_input=msgspec.structs.replace(run_input, body=body))


def _of_task(action: RunActorTask, owner_id: str, model: GetModel) -> Action:
    if not action.input:
        return action
    task = model("resources", "Task").objects.filter(pk=action.actor_task_id).first()
    if task is None:
        return action
    schema = load_schema(task.actor_id, load_options(task.options).build or "", model)
    holder = Holder(owner_id, task.actor_id or "", key_pairs=model("resources", "InputKeyPair"))
    text = encrypt_saved_input(msgspec.json.encode(action.input).decode(), schema, holder)
    return msgspec.structs.replace(action, input=msgspec.json.decode(text))
