"""Whether what a run is given is what the build asks for that it is to run, and what it then gets.

Every way to start a run comes by here, and so does a metamorph. A field that has a default may be left out: it is
filled in here, for the SDKs leave that to the platform. What is not JSON is the Actor's own business, and so is
everything where the build has no schema.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from django.conf import settings

from resources.actors.inputs import defaults_of, problems
from resources.models import Build, BuildContent, Record
from resources.records.content import Undecodable, UnpacksTooLarge, decoded_pieces
from resources.records.content_types import MAX_LENGTH, can_be_content_type, is_json
from resources.records.reading import open_current

JSON_TYPE: Final = "application/json; charset=utf-8"
_MOST_SHOWN: Final = 20
_LONGEST: Final = 500
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class InvalidInput(ValueError):
    """An input that the build does not take: `problems` are the first ones, as sentences; the message has them all.

    They name fields, whose names are anybody's: each is one line of a bounded length, as every database keeps it.
    """

    def __init__(self, found: Sequence[str]) -> None:
        self.problems = [_CONTROLS.sub("\ufffd", each)[:_LONGEST] for each in found[:_MOST_SHOWN]]
        super().__init__(f"Input is not valid: {' '.join(self.problems)}")


def accepted(build: Build, given: bytes | None, content_type: str) -> tuple[bytes | None, str]:
    """Return the input that a run of a build gets, and its type, for one that it is about to be given.

    That is what was given, byte for byte, or where fields are left out that have a default, with these. No input is an
    empty one, and stays none where no field has a default.

    Raises:
        InvalidInput: when the input schema of the build does not allow it, or its type is none that a record can have.
    """
    if given is not None and not can_be_content_type(content_type):
        raise InvalidInput([f"Its content type must be a media type of at most {MAX_LENGTH} characters."])
    schema = _check(build, content_type, None if given is None else lambda: given)
    defaults = defaults_of(schema)
    if not defaults or not (given is None or is_json(content_type)):
        return given, content_type
    # The values are not looked into: a number keeps all its digits.
    fields = {} if given is None else msgspec.json.decode(given, type=dict[str, msgspec.Raw] | None) or {}
    if defaults.keys() <= fields.keys():
        return given, content_type
    return msgspec.json.encode({**defaults, **fields}), JSON_TYPE if given is None else content_type


def check_record(build: Build, record: Record | None) -> None:
    """Look at an input that a run has already, which stays as it is.

    Raises:
        InvalidInput: when the input schema of the build does not allow it, or it is too large to be looked at.
    """
    _check(build, record.content_type if record else "", (lambda: _content_of(record)) if record else None)


def check_value(schema: str, value: Any) -> None:
    """Look at JSON that has been parsed, where null is an empty input; `schema` is JSON text, "" where there is none.

    Raises:
        InvalidInput: when the schema does not allow it.
    """
    found = problems(schema, {} if value is None else value)
    if found:
        raise InvalidInput(found)


def _check(build: Build, content_type: str, read: Callable[[], bytes] | None) -> str:
    """Look at an input and return the schema that it was held against, "" where there is none."""
    schema = BuildContent.objects.filter(build_id=build.pk).values_list("input_schema", flat=True).first() or ""
    if schema and (read is None or is_json(content_type)):
        check_value(schema, {} if read is None else _parsed(read()))
    return schema


def _parsed(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text.decode())  # whose strings msgspec alone would take as they come
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput([f"It is not valid JSON: {error}."]) from None


def _content_of(record: Record) -> bytes:
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
