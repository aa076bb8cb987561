"""The secret fields of a run's inputs: the key that the run decrypts them with, and the values that logs must not show.

A run gets the key of its owner and of the Actor that it is now, and no other key.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from django.conf import settings

from accounts.lib.encryption import CannotDecrypt
from resources.models import Build, BuildContent, InputKeyPair, Run
from resources.runs import inputs
from resources.runs.restarting import get_input_key, kept_input
from resources.runs.starting import INPUT_KEY
from resources.secret_inputs import keys
from resources.secret_inputs.fields import MAX_SECRETS, secret_fields, texts_in
from resources.secret_inputs.values import NotOurs, decrypted

_MOST_BUILDS = 50


def decryption_variables(run: Run) -> dict[str, str]:
    """Return the variables by which the SDKs decrypt the input of a run; none where nothing in it is encrypted for it.

    Raises:
        CannotDecrypt: when the key was stored with a SECRET_KEY that this server does not know.
    """
    actor_id = run.current_actor_id
    if not any(True for _ in _decrypted_values(run, get_input_key(run), actor_id)):
        return {}
    key = keys.find(run.owner_id, actor_id)
    return keys.build_environment(key) if key else {}


def load_hidden_texts(run: Run) -> list[str]:
    """Return the texts in the secret fields of all inputs that a run has been given.

    Raises:
        CannotDecrypt: when a key was stored with a SECRET_KEY that this server does not know, or was deleted with the
            Actor while the run goes on.
    """
    if run.actor_id is None and _has_encrypted(run):
        raise CannotDecrypt("The Actor was deleted, and the keys of its inputs with it.")
    actor_ids = {actor_id for _, actor_id in _inputs(run)}
    if not InputKeyPair.objects.filter(account_id=run.owner_id, actor_id__in=actor_ids).exists():
        return []
    return [
        text for key, actor in _inputs(run) for value in _decrypted_values(run, key, actor) for text in texts_in(value)
    ]


def load_secret_names(run: Run) -> set[str]:
    """Return the names of the fields that are secret by the input schema of any build that a run has had.

    Of one that has gone on with another build, by a metamorph or resurrected, the first one is not known: it counts
    what the newest builds of its Actor say, of which at most _MOST_BUILDS are read.
    """
    ids = {run.build_id, *(each.get("buildId") for each in run.metamorphs)}
    if run.metamorphs or run.resurrect_count:
        of_actor = Build.objects.filter(actor_id=run.actor_id, content__input_schema__contains="isSecret")
        ids.update(of_actor.order_by("-created_at").values_list("pk", flat=True)[:_MOST_BUILDS])
    contents = BuildContent.objects.filter(build_id__in=ids - {None}, input_schema__contains="isSecret")
    return {name for schema in contents.values_list("input_schema", flat=True) for name in secret_fields(schema)}


def _inputs(run: Run) -> Iterator[tuple[str, str]]:
    """Yield the key of each input that a run has been given, with the ID of the Actor that it is for."""
    yield INPUT_KEY, run.actor_id or ""
    for each in run.metamorphs:
        if each.get("inputKey"):
            yield str(each["inputKey"]), str(each["actorId"])


def _has_encrypted(run: Run) -> bool:
    record = kept_input(run, INPUT_KEY)
    return record is not None and bool(inputs.encrypted_in(record))


def _decrypted_values(run: Run, input_key: str, actor_id: str) -> Iterator[Any]:
    """Yield the decrypted values in an input that are encrypted for the run's owner and this Actor.

    At most MAX_SECRETS are tried: an input that was accepted has no more, but the run can write another one.
    """
    key = keys.find(run.owner_id, actor_id)
    record = kept_input(run, input_key) if key else None
    if key is None or record is None or record.size > settings.API_MAX_BODY_BYTES:
        return
    for name, text in islice(inputs.encrypted_in(record).items(), MAX_SECRETS):
        with suppress(NotOurs):  # the run itself may have put it there
            yield decrypted(name, text, key)
