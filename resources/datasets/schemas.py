"""The schema of a dataset: what its items are like, in the words of its maker.

It is kept to be given back to those who read the dataset, and items that are pushed are held to its `fields`
(validation.py). No views are made of it.
"""

from typing import Any

import msgspec

from resources.datasets.validation import UnusableSchema, make_validator
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
    return kept
