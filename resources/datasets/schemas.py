"""The schema of a dataset: what its items are like, in the words of its maker.

It is kept to be given back to those who read the dataset, items that are pushed are held to its `fields`
(validation.py), and its `views` are ways to look at them (views.py).
"""

from typing import Any

import msgspec

from accounts.lib.sql import Statement
from resources.datasets.validation import check_fields, constrains
from resources.datasets.validator.processes import UnusableSchema
from resources.datasets.views import UnusableViews, check_views
from resources.storages import MAX_SCHEMA_BYTES, InvalidSchema


def checked_schema(text: bytes, account_id: str) -> str:
    """Return the JSON text of a schema as it is kept, checked in the turn of an account.

    Raises:
        InvalidSchema: when it is no JSON object, or too large, or its fields or views cannot be used.
        Busy: when nothing was free to check it in time.
    """
    fields = _read_fields(text)
    try:
        if constrains(fields):
            check_fields(fields, account_id)
    except UnusableSchema as error:
        raise InvalidSchema(f"The fields of this schema are no JSON Schema that can be used: {error}.") from None
    return readable_schema(text)


def readable_schema(text: bytes) -> str:
    """Return the JSON text of a schema as it is kept, whose fields were checked before, or allow everything.

    Raises:
        InvalidSchema: when it is no JSON object, or too large, or its views cannot be used.
    """
    _read_fields(text)
    kept = text.decode()
    try:
        check_views(kept)
    except UnusableViews as error:
        raise InvalidSchema(f"The views of this schema are not written as views are: {error}.") from None
    return kept


def _read_fields(text: bytes) -> Any:
    if len(text) > MAX_SCHEMA_BYTES:
        raise InvalidSchema(f"A schema can have {MAX_SCHEMA_BYTES} bytes at most.")
    try:
        text.decode()  # what is not asked for is not checked by the parser
        return msgspec.json.decode(text, type=dict[str, Any]).get("fields")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidSchema(f"This is not the schema of a dataset: {error}.") from None


def load_schema(dataset_id: str) -> str:
    """Return the JSON text of a dataset's schema, "" where it has none, or where there is no such dataset."""
    found = load_schema_and_owner(dataset_id)
    return "" if found is None else found[0]


def load_schema_and_owner(dataset_id: str) -> tuple[str, str] | None:
    """Return the JSON text of a dataset's schema and the ID of its account; None where it has none, or is not there."""
    found = _SELECT_SCHEMA.row([dataset_id])  # it is given when the dataset is made, and never changes
    return None if found is None else (str(found[0]), str(found[1]))


_SELECT_SCHEMA = Statement(
    "SELECT schema, owner_id FROM resources_dataset JOIN resources_resource ON id = resource_ptr_id "
    "WHERE resource_ptr_id = %s AND schema <> ''"
)
