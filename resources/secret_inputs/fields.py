"""The secret fields of an input: which they are, encrypted to be stored, and decrypted to be checked.

Only fields of the input itself can be secret, not those within them: the SDKs look no deeper.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from resources.models import InputKeyPair
from resources.secret_inputs import keys
from resources.secret_inputs.values import NotOurs, decrypted, encrypted, is_encrypted

Fields = dict[str, msgspec.Raw]
"""The fields of an input by name, each as JSON text, so that a number keeps all its digits."""


MAX_SECRETS: Final = 100
"""How many values of one input can be secret: encrypting one takes about 1 ms, and decrypting it about 4 ms."""


class SecretsRefused(ValueError):
    """The secret values of an input cannot be taken; the message says why."""


class TooManySecrets(SecretsRefused):
    """An input has more than MAX_SECRETS values that are secret or encrypted."""

    def __init__(self) -> None:
        super().__init__(f"An input can have at most {MAX_SECRETS} values that are secret or encrypted.")


class ForeignSecret(SecretsRefused):
    """A value was encrypted for another account, Actor or field; `field` is where it stands, the message says so."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Field input.{name} holds a value that was encrypted for another account, Actor or field. "
            "Enter the value itself."
        )
        self.field = name


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose secrets an input holds: those of an account, for an Actor.

    `before` are Actors whose values are taken too, and encrypted anew: those that a metamorphed run was before.
    `key_pairs` is the model InputKeyPair, in a migration as it was then.
    """

    account_id: str
    actor_id: str
    before: tuple[str, ...] = ()
    key_pairs: Any = InputKeyPair
    _keys: dict[str, rsa.RSAPrivateKey | None] = field(default_factory=dict, init=False, repr=False, compare=False)
    _opened: dict[tuple[str, str], tuple[Any, bool]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def open(self, name: str, text: str) -> tuple[Any, bool]:
        """Return the value that an encrypted text stands for, and whether it was encrypted for `actor_id` itself.

        Each is decrypted once: an input is checked before it is stored.

        Raises:
            ForeignSecret: when it was encrypted for another account, Actor or field.
            CannotDecrypt: when the key was stored with a SECRET_KEY that this server does not know.
        """
        if (name, text) in self._opened:
            return self._opened[name, text]
        for actor_id in (self.actor_id, *self.before):
            key = self._found(actor_id)
            if key is not None:
                try:
                    found = decrypted(name, text, key), actor_id == self.actor_id
                except NotOurs:
                    continue
                self._opened[name, text] = found
                return found
        raise ForeignSecret(name)

    def seal(self, name: str, value: Any, schema: dict[str, Any]) -> str:
        """Return a value encrypted for this account, Actor and field."""
        key = self._found(self.actor_id) or keys.ensure(self.account_id, self.actor_id, self.key_pairs)
        self._keys[self.actor_id] = key
        return encrypted(name, value, key, schema)

    def _found(self, actor_id: str) -> rsa.RSAPrivateKey | None:
        if actor_id not in self._keys:
            self._keys[actor_id] = keys.find(self.account_id, actor_id, self.key_pairs)
        return self._keys[actor_id]


def secret_fields(schema: str) -> dict[str, dict[str, Any]]:
    """Return the schemas of the secret fields by their names; `schema` is JSON text, "" where there is none."""
    described = msgspec.json.decode(schema) if schema else {}
    properties = described.get("properties") if isinstance(described, dict) else None
    if not isinstance(properties, dict):
        return {}
    return {name: each for name, each in properties.items() if isinstance(each, dict) and each.get("isSecret")}


def decrypt_fields(fields: Mapping[str, msgspec.Raw], holder: Holder) -> dict[str, Any]:
    """Return the values of those fields that are encrypted; what every other field has is in `fields` itself.

    Raises:
        TooManySecrets: when there are more than MAX_SECRETS.
        ForeignSecret: for the first one that was encrypted for another account, Actor or field.
        CannotDecrypt: when the key was stored with a SECRET_KEY that this server does not know.
    """
    texts = encrypted_texts(fields)
    if len(texts) > MAX_SECRETS:
        raise TooManySecrets
    return {name: holder.open(name, text)[0] for name, text in texts.items()}


def encrypt_fields(fields: Fields, schema: str, holder: Holder) -> Fields:
    """Return the fields of an input as they are stored: the secret ones encrypted, once.

    A value that is encrypted for the holder's Actor already stays as it is, and stays encrypted where the schema does
    not call it secret (any more).

    Raises:
        TooManySecrets: when more than MAX_SECRETS values are secret or encrypted.
        ForeignSecret: when a value was encrypted for another account, Actor or field.
        CannotDecrypt: when the key was stored with a SECRET_KEY that this server does not know.
    """
    secret, kept, texts = secret_fields(schema), dict(fields), encrypted_texts(fields)
    if len(texts.keys() | (secret.keys() & fields.keys())) > MAX_SECRETS:
        raise TooManySecrets
    for name, text in texts.items():
        value, is_of_actor = holder.open(name, text)
        if not is_of_actor:
            kept[name] = _raw(holder.seal(name, value, secret.get(name, {})))
    for name, described in secret.items():
        value = msgspec.json.decode(kept[name]) if name in kept else None
        if value not in (None, "") and not is_encrypted(value):
            kept[name] = _raw(holder.seal(name, value, described))
    return kept


def encrypted_texts(fields: Mapping[str, msgspec.Raw]) -> dict[str, str]:
    """Return those fields whose value has the form of an encrypted one."""
    texts = {name: _text(raw) for name, raw in fields.items() if bytes(raw)[:1] == b'"'}
    return {name: text for name, text in texts.items() if is_encrypted(text)}


def texts_in(value: Any) -> Sequence[str]:
    """Return every text within a secret value, and its numbers as texts: what a log must not show."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts_in(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts_in(each)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


def _text(raw: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(raw, type=str)
    except msgspec.DecodeError:  # half a character, which no encrypted text has
        return ""


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(text))
