"""Items held to the schema of their dataset: the JSON Schema that its maker gave as `fields`.

No reference leaves the schema: nothing is fetched from a file or the network. Schemas and items are of users, so the
work is done by processes that end at a deadline (validator/).
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

import msgspec

from accounts.lib.sql import give_back_connection
from resources.datasets.errors import ItemsBreakSchema, SchemaTakesTooMuch
from resources.datasets.validator import processes
from resources.datasets.validator.processes import TakesTooMuch, UnusableSchema

_KNOWN: Final = 64


def check_fields(fields: Any, account_id: str) -> None:
    """Check that a JSON Schema of an account can be used, in the account's turn.

    Raises:
        UnusableSchema: when it is none, refers to something outside of itself, or takes too much time or memory.
        Busy: when no process was free in time.
    """
    give_back_connection()
    try:
        processes.pool().compile(account_id, msgspec.json.encode(fields))
    except TakesTooMuch:
        raise UnusableSchema("it takes too much time or memory to compile") from None


def check_items(schema: str, items: Iterable[bytes], account_id: str) -> None:
    """Check items, each as a line of JSON, by the schema of their dataset, as JSON text, which is of this account.

    Schemas from before they were checked when they were set, and that cannot be used, allow everything.

    Raises:
        ItemsBreakSchema: when one is not valid.
        SchemaTakesTooMuch: when it takes too long to find out, or too much memory.
        Busy: when no process was free in time.
    """
    fields = _read_fields(schema)
    if not fields:
        return
    try:
        answer = processes.pool().check(account_id, fields, b"\n".join(items))
    except UnusableSchema:
        return
    except TakesTooMuch:
        raise SchemaTakesTooMuch from None
    invalid = msgspec.json.decode(answer, type=list[dict[str, Any]])
    if invalid:
        raise ItemsBreakSchema(invalid)


def holds_items(schema: str) -> bool:
    """Tell whether items are held to a schema, as JSON text; one without fields allows everything.

    A page says so, and does not compile the schema to find out whether it can be used.
    """
    return bool(schema and _read_fields(schema))


def constrains(fields: Any) -> bool:
    """Tell whether fields are there and may not allow everything; `false` allows nothing."""
    return fields is not None and fields is not True and fields != {}


@lru_cache(maxsize=_KNOWN)
def _read_fields(schema: str) -> bytes:
    """Return the fields of a schema as JSON; nothing where it has none."""
    fields = msgspec.json.decode(schema, type=dict[str, Any]).get("fields")
    return msgspec.json.encode(fields) if constrains(fields) else b""
