"""Whether what a run is given is what the build asks for that it is to run, and what it then gets.

Every way to start a run comes by here, and so does a metamorph. A field that has a default may be left out: it is
filled in here, for the SDKs leave that to the platform. Secret fields are encrypted here, after their plain values have
been checked. What is not JSON is the Actor's own business unless it has secret fields, and so is everything where the
build has no schema.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from django.conf import settings

from accounts.lib.encryption import CannotDecrypt
from resources.actors.inputs import problems, schema_defaults
from resources.models import Build, BuildContent, Record
from resources.records.content import Undecodable, UnpacksTooLarge, decoded_pieces
from resources.records.content_types import MAX_LENGTH, can_be_content_type, is_json
from resources.records.reading import open_current
from resources.secret_inputs.fields import (
    Fields,
    Holder,
    SecretsRefused,
    decrypt_fields,
    encrypt_fields,
    encrypted_texts,
    secret_fields,
)

JSON_TYPE: Final = "application/json; charset=utf-8"
_MOST_SHOWN: Final = 20
_LONGEST: Final = 500
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class InvalidInput(ValueError):
    """An input that the build does not take: `problems` are the first ones, as sentences; the message has them all.

    They name fields, whose names anyone can choose: each is one line of a bounded length, as every database keeps it.
    """

    def __init__(self, found: Sequence[str]) -> None:
        self.problems = [_CONTROLS.sub("\ufffd", each)[:_LONGEST] for each in found[:_MOST_SHOWN]]
        super().__init__(f"Input is not valid: {' '.join(self.problems)}")


def accept_input(build: Build, content: bytes | None, content_type: str, holder: Holder) -> tuple[bytes | None, str]:
    """Return the input that a run of a build gets, and its type, for one that it is about to be given.

    That is what was given, byte for byte, unless fields are left out that have a default, or the build has secret
    fields: these are encrypted for `holder`. No input is an empty one, and stays none where no field has a default.

    Raises:
        InvalidInput: when the input schema of the build does not allow it, its type is none that a record can have, or
            it has a value that was encrypted for another account, Actor or field, or too many that are secret.
    """
    if content is not None and not can_be_content_type(content_type):
        raise InvalidInput([f"Its content type must be a media type of at most {MAX_LENGTH} characters."])
    schema = get_input_schema(build)
    if content is not None and not is_json(content_type):
        if secret_fields(schema):
            raise InvalidInput(
                ["It must be JSON, with Content-Type: application/json, for the Actor has secret fields."]
            )
        return content, content_type
    fields = _parse_fields(content)
    _check(schema, content, fields, holder)
    if fields is None:
        return content, content_type
    defaults = {name: msgspec.Raw(msgspec.json.encode(each)) for name, each in schema_defaults(schema).items()}
    stored = _sealed({**defaults, **fields}, schema, holder)
    # Of a field that is there twice, the last value counts; the first one may be a secret too, and is not kept.
    if not stored or (stored == fields and not secret_fields(schema)):
        return content, content_type
    return msgspec.json.encode(stored), JSON_TYPE if content is None else content_type


def read_fields(content: bytes | None, content_type: str) -> dict[str, Any]:
    """Return the fields of an input as values; none of one that is no JSON object."""
    try:
        found = msgspec.json.decode(content) if content and is_json(content_type) else {}
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def check_record(build: Build, record: Record | None, holder: Holder) -> None:
    """Look at an input that a run has already, which stays as it is.

    Raises:
        InvalidInput: when the input schema of the build does not allow it, or it is too large to be looked at.
    """
    schema = get_input_schema(build)
    if schema and (record is None or is_json(record.content_type)):
        content = _read_content(record) if record else None
        _check(schema, content, _parse_fields(content), holder)


def check_value(schema: str, content: bytes | None, holder: Holder) -> None:
    """Look at the JSON text of an input, where null is an empty one; `schema` is JSON text, "" where there is none.

    Raises:
        InvalidInput: when the schema does not allow it.
    """
    _check(schema, content, _parse_fields(content), holder)


def reencrypt_input(build: Build, record: Record, holder: Holder) -> bytes | None:
    """Return an input that a run has already as it is to be stored; None where it can stay as it is.

    Raises:
        InvalidInput: when it has a value that was encrypted for another account, Actor or field, cannot be looked at,
            or is not an object although the build has secret fields.
    """
    if not is_json(record.content_type):
        return None
    schema = get_input_schema(build)
    fields = _parse_fields(_read_content(record))
    if fields is None and secret_fields(schema):
        raise InvalidInput(["It is not a JSON object, and the Actor has secret fields."])
    stored = _sealed(fields, schema, holder) if fields else fields
    return None if stored is None or stored == fields else msgspec.json.encode(stored)


def encrypted_in(record: Record) -> dict[str, str]:
    """Return the encrypted values of an input that a run has, by their fields; none where it cannot be read."""
    try:
        fields = _parse_fields(_read_content(record)) if is_json(record.content_type) else None
    except (InvalidInput, FileNotFoundError):
        return {}
    return encrypted_texts(fields or {})


def get_input_schema(build: Build | None) -> str:
    """Return the input schema of a build as JSON text, "" where there is none."""
    if build is None:
        return ""
    return BuildContent.objects.filter(build_id=build.pk).values_list("input_schema", flat=True).first() or ""


def _check(schema: str, content: bytes | None, fields: Fields | None, holder: Holder) -> None:
    """Hold the plain values of an input against a schema; `fields` are those of `content` where it is an object."""
    try:
        plain = decrypt_fields(fields or {}, holder)
    except (SecretsRefused, CannotDecrypt) as error:
        raise InvalidInput([_sentence(error)]) from None
    if not schema:
        return
    value = {} if content is None else _parsed(content)
    found = problems(schema, {} if value is None else {**value, **plain} if plain else value)
    if found:
        raise InvalidInput(found)


def _sealed(fields: Fields, schema: str, holder: Holder) -> Fields:
    try:
        return encrypt_fields(fields, schema, holder)
    except (SecretsRefused, CannotDecrypt) as error:
        raise InvalidInput([_sentence(error)]) from None


def _sentence(error: SecretsRefused | CannotDecrypt) -> str:
    if isinstance(error, SecretsRefused):
        return str(error)
    return "Its secret fields cannot be read, because they were encrypted with another SECRET_KEY of the server."


def _parse_fields(content: bytes | None) -> Fields | None:
    """Return the fields of an input, of which none is looked into; None where it is no object."""
    try:
        return {} if content is None else msgspec.json.decode(content, type=dict[str, msgspec.Raw] | None) or {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _parsed(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text.decode())  # whose strings msgspec alone would take as they come
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput([f"It is not valid JSON: {error}."]) from None


def _read_content(record: Record) -> bytes:
    """Return the bytes of a record; one that has been deleted in the meantime is an empty input."""
    found = open_current(record)
    if found is None:
        return b"{}"
    current, stream = found
    content, limit = bytearray(), settings.API_MAX_BODY_BYTES
    with stream:
        try:
            for piece in decoded_pieces(current, stream):
                content += piece
                if len(content) > limit:
                    raise InvalidInput([f"It has more than {limit:,} bytes."])
        except (Undecodable, UnpacksTooLarge) as error:
            raise InvalidInput([f"It is not in its Content-Encoding: {error}."]) from None
    return bytes(content)
