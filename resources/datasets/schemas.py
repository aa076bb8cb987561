"""The schema of a dataset: what its items are like, in the words of its maker.

It is kept to be given back to those who read the dataset, items that are pushed are held to its `fields`
(validation.py), and its `views` are ways to look at them (views.py).
"""

from typing import Any

import msgspec

from accounts.lib.sql import Statement
from resources.datasets.validation import UnusableSchema, make_validator
from resources.datasets.views import UnusableViews, check_views
from resources.storages import MAX_SCHEMA_BYTES, InvalidSchema


def checked_schema(text: bytes) -> str:
    """Return the JSON text of a schema as it is kept.

    Raises:
        InvalidSchema: when it is no JSON object, or too large.
    """
    if len(text) > MAX_SCHEMA_BYTES:
        raise InvalidSchema(f"A schema can have {MAX_SCHEMA_BYTES} bytes at most.")
    try:
        kept = text.decode()  # what is not asked for is not checked by the parser
        fields = msgspec.json.decode(text, type=dict[str, Any]).get("fields")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidSchema(f"This is not the schema of a dataset: {error}.") from None
    try:
        if fields:
            make_validator(fields)
    except UnusableSchema as error:
        raise InvalidSchema(f"The fields of this schema are no JSON Schema that can be used: {error}.") from None
    try:
        check_views(kept)
    except UnusableViews as error:
        raise InvalidSchema(f"The views of this schema are not written as views are: {error}.") from None
    return kept


def load_schema(dataset_id: str) -> str:
    """Return the JSON text of a dataset's schema, "" where it has none, or where there is no such dataset."""
    found = _SELECT_SCHEMA.row([dataset_id])  # it is given when the dataset is made, and never changes
    return "" if found is None else str(found[0])


_SELECT_SCHEMA = Statement("SELECT schema FROM resources_dataset WHERE resource_ptr_id = %s AND schema <> ''")
