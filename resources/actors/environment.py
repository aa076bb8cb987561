"""The environment variables of a version. The value of a secret one goes to the Actor's runs only.

A secret value is encrypted in the database. There is no function here that gives one back to a person: `of_version` and
`decrypt_environment` are for the worker, which hides it in logs too.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from django.db import transaction
from django.db.models import QuerySet
from msgspec import UNSET, UnsetType

from accounts import audit
from accounts.lib.encryption import CannotDecrypt, can_decrypt, decrypt, encrypt
from accounts.principal import Principal
from resources.actors.editing import touch
from resources.actors.fields import InvalidField
from resources.models import ActorVersion, EnvironmentVariable

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z", re.ASCII)
MAX_VARIABLES = 100
MAX_VALUE = 32 * 1024


@dataclass(frozen=True, slots=True)
class Variable:
    """What a variable is to be. A `value` of UNSET keeps the one that there is."""

    name: str
    value: str | UnsetType = UNSET
    is_secret: bool = False


class Environment(msgspec.Struct, frozen=True, array_like=True):
    """Variables by name with their values, secret ones decrypted, and the names of those that are secret."""

    values: dict[str, str] = {}  # a copy for each, msgspec sees to that
    secret: list[str] = []

    def secrets(self) -> list[str]:
        """Return the secret values."""
        return [self.values[name] for name in self.secret]


def set_variable(
    version: ActorVersion, name: str, value: str | UnsetType, *, by: Principal, is_secret: bool = False
) -> EnvironmentVariable:
    """Give a variable this value, be it there already or not; UNSET keeps the value that it has.

    Raises:
        InvalidField: for a name or value that no variable can have, for a new one without a value, and for a secret one
            that would be made readable without being given another value.
    """
    _check(name, value)
    with transaction.atomic():
        found = _locked(version).filter(name=name).first()
        if found is None and version.environment.count() >= MAX_VARIABLES:
            raise InvalidField("envVars", f"there must be at most {MAX_VARIABLES} variables.")
        kept = found or EnvironmentVariable(version=version, name=name)
        _put(kept, value, is_secret, is_new=found is None)
        kept.save()
        _changed(version, by)
    return kept


def remove_variable(version: ActorVersion, name: str, *, by: Principal) -> bool:
    """Remove a variable, and return whether it was still there."""
    with transaction.atomic():
        removed, _ = _locked(version).filter(name=name).delete()
        if removed:
            _changed(version, by)
    return bool(removed)


def replace(version: ActorVersion, variables: Sequence[Variable], *, by: Principal) -> None:
    """Let these be all the variables of a version.

    Raises:
        InvalidField: as `set_variable`, and when a name is there twice; then nothing is changed.
    """
    names = [variable.name for variable in variables]
    if len(set(names)) != len(names):
        raise InvalidField("envVars", "each name may be there once.")
    if len(names) > MAX_VARIABLES:
        raise InvalidField("envVars", f"there must be at most {MAX_VARIABLES} variables.")
    with transaction.atomic():
        _locked(version).exclude(name__in=names).delete()
        for each in variables:
            set_variable(version, each.name, each.value, is_secret=each.is_secret, by=by)


def of_version(version: ActorVersion) -> Environment:
    """Return all variables of a version, for the worker.

    Raises:
        CannotDecrypt: when SECRET_KEY has been changed since a secret one was set; the message names it.
    """
    variables = list(version.environment.order_by("name"))
    if unreadable := unreadable_names(variables):
        raise CannotDecrypt(
            f"The secret variable {unreadable[0]} cannot be read: it was encrypted with another SECRET_KEY. "
            "Give it its value again."
        )
    return Environment(
        {each.name: decrypt(each.value) if each.is_secret else each.value for each in variables},
        [each.name for each in variables if each.is_secret],
    )


def unreadable_names(variables: Iterable[EnvironmentVariable]) -> list[str]:
    """Return the names of those that are secret and cannot be read, because SECRET_KEY has been changed."""
    return [each.name for each in variables if each.is_secret and not can_decrypt(each.value)]


def encrypt_environment(environment: Environment) -> str:
    """Return variables as a build keeps them: encrypted, as a whole."""
    return encrypt(msgspec.json.encode(environment).decode()) if environment.values else ""


def decrypt_environment(text: str) -> Environment:
    """Return the variables that a build keeps (`BuildContent.environment`), for the worker.

    Builds from before kept no word of what is secret. All of theirs is.

    Raises:
        CannotDecrypt: when SECRET_KEY has been changed since.
    """
    if not text:
        return Environment()
    kept = msgspec.json.decode(decrypt(text), type=Environment | dict[str, str])
    return kept if isinstance(kept, Environment) else Environment(kept, list(kept))


def _check(name: str, value: str | UnsetType) -> None:
    if not NAME.match(name):
        raise InvalidField("name", "it must have 1 to 100 letters, digits and underscores, and not begin with a digit.")
    if value is not UNSET and (len(value) > MAX_VALUE or "\x00" in value):
        raise InvalidField("value", f"it must have at most {MAX_VALUE:,} characters, and no NUL among them.")


def _put(variable: EnvironmentVariable, value: str | UnsetType, is_secret: bool, *, is_new: bool) -> None:
    if value is UNSET:
        if is_new:
            raise InvalidField("value", f'the variable "{variable.name}" needs one.')
        if variable.is_secret and not is_secret:
            raise InvalidField("value", f'"{variable.name}" is secret; give it another value to make it readable.')
        if is_secret and not variable.is_secret:
            variable.value = encrypt(variable.value)
    else:
        variable.value = encrypt(value) if is_secret else value
    variable.is_secret = is_secret


def _locked(version: ActorVersion) -> QuerySet[EnvironmentVariable]:
    return EnvironmentVariable.objects.select_for_update().filter(version=version)


def _changed(version: ActorVersion, by: Principal) -> None:
    """Leave a line that says that the environment was changed. It does not say what was set."""
    audit.record(
        "actor.environment_changed",
        by=by,
        account_id=version.actor.owner_id,
        subject_kind=version.actor.kind,
        subject_id=version.actor_id,
        name=version.actor.name,
        version=version.number,
    )
    touch(version.actor)
