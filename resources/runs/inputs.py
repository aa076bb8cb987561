"""Whether what a run is given is what the build asks for that it is to run.

Every way to start a run comes by here, and so does a metamorph. Values that a field has by default are filled in by the
SDK, in the run, so a field that has one may be left out. What is not JSON is the Actor's own business, and so is
everything where the build has no schema.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from django.conf import settings

from resources.actors.inputs import problems
from resources.models import Build, BuildContent, Record
from resources.records.content import Undecodable, UnpacksTooLarge, decoded_pieces
from resources.records.content_types import MAX_LENGTH, can_be_content_type, is_json
from resources.records.reading import open_current

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


def check(build: Build, given: bytes | None, content_type: str) -> None:
    """Look at an input that is about to be given to a run of a build; no input is an empty one.

    Raises:
        InvalidInput: when the input schema of the build does not allow it, or its type is none that a record can have.
    """
    if given is not None and not can_be_content_type(content_type):
        raise InvalidInput([f"Its content type must be a media type of at most {MAX_LENGTH} characters."])
    _check(build, content_type, None if given is None else lambda: given)


def check_record(build: Build, record: Record | None) -> None:
    """Look at an input that a run has already, as `check` does.

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


def _check(build: Build, content_type: str, read: Callable[[], bytes] | None) -> None:
    schema = BuildContent.objects.filter(build_id=build.pk).values_list("input_schema", flat=True).first()
    if schema and (read is None or is_json(content_type)):
        check_value(schema, {} if read is None else _parsed(read()))


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
