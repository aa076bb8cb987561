"""Collections of keys: what the schema of a store says about which keys belong together."""

import msgspec

from resources.records.keys import KeyFilter
from resources.storages import MAX_SCHEMA_BYTES, InvalidSchema


class UnknownCollection(LookupError):
    """A collection that the store's schema does not have; the message says so."""


class _Collection(msgspec.Struct, rename="camel"):
    """A collection is the key of one record, or the start of the keys of many."""

    key: str | None = None
    key_prefix: str | None = None


class _Schema(msgspec.Struct):
    """What is read of a schema; the rest is for those who wrote it."""

    collections: dict[str, _Collection] = {}


def checked_schema(text: bytes) -> str:
    """Return the JSON text of a schema as it is kept.

    Raises:
        InvalidSchema: when it is no JSON object or too large, or a collection has not one of key and keyPrefix.
    """
    if len(text) > MAX_SCHEMA_BYTES:
        raise InvalidSchema(f"A schema can have {MAX_SCHEMA_BYTES} bytes at most.")
    try:
        kept = text.decode()  # what is not asked for is not checked by the parser
        schema = msgspec.json.decode(text, type=_Schema)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidSchema(f"This is not the schema of a key-value store: {error}.") from None
    for name, collection in schema.collections.items():
        if (collection.key is None) == (collection.key_prefix is None):
            raise InvalidSchema(f'The collection "{name}" must have a key or a keyPrefix, and not both.')
    if "\x00" in kept:
        raise InvalidSchema("This is not the schema of a key-value store: it contains NUL.")
    return kept


def collection_keys(schema: str, collection: str) -> KeyFilter:
    """Return which keys belong to a collection of a store with this schema, the text that `checked_schema` gave.

    Raises:
        UnknownCollection: when there is no schema, or no such collection in it.
    """
    if not schema:
        raise UnknownCollection("The key-value store has no schema, and so no collections.")
    found = msgspec.json.decode(schema, type=_Schema).collections.get(collection)
    if found is None:
        raise UnknownCollection(f'The schema of the key-value store has no collection "{collection}".')
    return KeyFilter(prefixes=(found.key_prefix or "",), exact=found.key)
