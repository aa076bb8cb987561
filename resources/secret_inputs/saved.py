"""The secret fields of inputs that tasks and schedules have saved, which are encrypted for their owners.

The build that would be started says which fields are secret. Where the Actor has no build yet, this is not known; saved
inputs are looked at again as soon as a build succeeds, or the Actor's default build changes.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from django.apps import apps

from resources.actors.builds import build_for
from resources.secret_inputs.fields import Fields, Holder, encrypt_fields, encrypted_texts, secret_fields

GetModel = Callable[[str, str], Any]
"""What Django's registries of models have as `get_model`."""


class NotAnObject(ValueError):
    """The Actor has secret fields, and the input to be saved is no JSON object, in which they could be found."""

    def __init__(self) -> None:
        super().__init__("it must be a JSON object, for the Actor has secret fields.")


def load_schema(actor_id: str | None, build: str, model: GetModel = apps.get_model) -> str:
    """Return the input schema of the build that a tag or number names, "" where there is none.

    An empty `build` names the Actor's default build. `model` gives the models, in a migration as they were then.
    """
    actor = model("resources", "Actor").objects.filter(pk=actor_id).first() if actor_id else None
    found = build_for(actor, build, model("resources", "Build")) if actor else None
    if found is None:
        return ""
    contents = model("resources", "BuildContent").objects.filter(build_id=found.pk)
    return contents.values_list("input_schema", flat=True).first() or ""


def encrypt_saved_input(text: str, schema: str, holder: Holder) -> str:
    """Return the text of an input as it is saved, with its secret fields encrypted for `holder`.

    Raises:
        NotAnObject: when it is not one, and the schema has secret fields.
        ForeignSecret: when a value was encrypted for another account, Actor or field.
        CannotDecrypt: when the key was stored with a SECRET_KEY that this server does not know.
    """
    if not text.strip():
        return text
    try:
        fields = msgspec.json.decode(text, type=Fields)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        if secret_fields(schema):
            raise NotAnObject from None
        return text
    if not secret_fields(schema) and not encrypted_texts(fields):
        return text
    return msgspec.json.encode(encrypt_fields(fields, schema, holder)).decode()
