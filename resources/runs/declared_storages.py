"""The storages that an Actor's definition declares: each run has them, by alias, with the schemas of their content.

`storages.dataset` is the default dataset, and `storages.datasets` has them by their aliases, `default` among them:
https://docs.apify.com/storage/dataset-schema/multiple-datasets; likewise for key-value stores and request queues.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Final

import msgspec

from resources.datasets import schemas
from resources.datasets.validator.processes import Busy
from resources.kinds import KINDS, Kind
from resources.records import collections
from resources.storages import InvalidSchema

DEFAULT: Final = "default"
# The names of each kind in a definition, singular and plural; below, the checks of their schemas.
NAMES: Final = {
    Kind.DATASET: ("dataset", "datasets"),
    Kind.KEY_VALUE_STORE: ("keyValueStore", "keyValueStores"),
    Kind.REQUEST_QUEUE: ("requestQueue", "requestQueues"),
}
_Check = Callable[[bytes], str]
_CHECKS: Final[dict[Kind, _Check]] = {
    Kind.DATASET: schemas.readable_schema,
    Kind.KEY_VALUE_STORE: collections.checked_schema,
}
MAX_DECLARED: Final = 100
MAX_ALIAS_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class DeclaredStorage:
    """A storage of each run: its kind, its alias, and its schema as JSON text, "" for none."""

    kind: Kind
    alias: str
    schema: str


class InvalidDeclaration(ValueError):
    """A declaration of storages that cannot be used; the message says which and why."""


def read_declared(definition: object, account_id: str) -> list[DeclaredStorage]:
    """Return the storages that a definition declares, checked in the turn of an account.

    Raises:
        InvalidDeclaration: when a schema cannot be used, or they are too many.
    """
    declared = list(islice(_declared(definition), MAX_DECLARED + 1))
    if len(declared) > MAX_DECLARED:
        raise InvalidDeclaration(f"The definition of the Actor declares more than {MAX_DECLARED} storages.")
    checks = _CHECKS | {Kind.DATASET: partial(schemas.checked_schema, account_id=account_id)}
    return [DeclaredStorage(kind, alias, _check(kind, alias, schema, checks)) for kind, alias, schema in declared]


def read_usable(definition: object) -> list[DeclaredStorage]:
    """Return those of them that can be used: builds from before declarations were checked may have others.

    The fields of datasets are not compiled, which can take long: those that cannot be used allow everything.
    """
    found: list[DeclaredStorage] = []
    for kind, alias, schema in _declared(definition):
        if len(found) == MAX_DECLARED:
            break
        try:
            found.append(DeclaredStorage(kind, alias, _check(kind, alias, schema, _CHECKS)))
        except InvalidDeclaration:
            continue
    return found


def _declared(definition: object) -> Iterator[tuple[Kind, str, Mapping[str, Any]]]:
    storages = definition.get("storages") if isinstance(definition, dict) else None
    if not isinstance(storages, dict):
        return
    for kind, (one, several) in NAMES.items():
        by_alias = storages.get(several)
        all_of_kind = {DEFAULT: storages.get(one), **(by_alias if isinstance(by_alias, dict) else {})}
        for alias, schema in all_of_kind.items():
            if isinstance(schema, dict):
                yield kind, alias, schema


def _check(kind: Kind, alias: str, schema: Mapping[str, Any], checks: Mapping[Kind, _Check]) -> str:
    shown = alias[:MAX_ALIAS_LENGTH]
    if not alias or shown != alias or "\x00" in alias:
        raise InvalidDeclaration(f'No {KINDS[kind].noun} can have the alias "{shown}".'.replace("\x00", "\ufffd"))
    if not schema or kind not in checks:
        return ""
    try:
        return checks[kind](msgspec.json.encode(schema))
    except (InvalidSchema, Busy) as error:
        problem = str(error).replace("\x00", "\ufffd")
        raise InvalidDeclaration(f'The schema of the {KINDS[kind].noun} "{shown}" cannot be used. {problem}') from None
