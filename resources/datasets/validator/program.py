"""Hold items to schemas, in a process of its own: answer the questions that come through a socket, one after the other.

jsonschema-rs has no limit of its own on time or memory, and keeps the interpreter's lock while it works. So it works in
a process that an alarm ends, in the middle of the library too, and that has a limit on memory. It ends with its parent.
"""

import json
import math
import resource
import signal
import socket
import sys
from functools import lru_cache
from typing import Any, Final, Never

import jsonschema_rs
import msgspec

from resources.datasets.validator import ajv
from resources.datasets.validator.frames import ANSWER, COMPILE, QUESTION, receive

# Of a push with many invalid items, so many are named.
MAX_INVALID_ITEMS: Final = 100
# When what is told of them has so many bytes, no more are named.
MAX_TOLD: Final = 1_000_000
MAX_PROBLEM: Final = 200
MAX_MEMORY: Final = 1024**3
_CACHED: Final = 64
# A pattern of a user must not keep the process busy for long.
_PATTERNS: Final = jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000)


def main() -> None:
    """Answer until the parent is gone. The argument is the descriptor of the socket."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        _answer_all(connection)


def _answer_all(connection: socket.socket) -> None:
    validator: jsonschema_rs.Validator | None = None
    while True:
        try:
            asked, seconds, size = QUESTION.unpack(receive(connection, QUESTION.size))
            body = receive(connection, size)
        except (EOFError, OSError):
            return  # the parent is gone
        signal.setitimer(signal.ITIMER_REAL, seconds)
        if asked == COMPILE:
            validator, answer = _compile(body)
        else:
            answer = _check(validator, body)
        signal.setitimer(signal.ITIMER_REAL, 0)
        connection.sendall(ANSWER.pack(len(answer)) + answer)


def _compile(fields: bytes) -> tuple[jsonschema_rs.Validator | None, bytes]:
    try:
        return _make_validator(fields), b""
    except (ValueError, TypeError, RecursionError) as error:
        return None, (str(error).partition("\n")[0] or type(error).__name__).encode(errors="replace")


@lru_cache(maxsize=_CACHED)
def _make_validator(fields: bytes) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        msgspec.json.decode(fields), retriever=_refuse, pattern_options=_PATTERNS, validate_formats=True
    )


def _refuse(uri: str) -> Never:
    raise ValueError(f"{uri} is outside of the schema")


def _check(validator: jsonschema_rs.Validator | None, items: bytes) -> bytes:
    if validator is None:
        raise RuntimeError("items came before a schema")
    invalid: list[dict[str, Any]] = []
    for position, line in enumerate(items.split(b"\n")):
        found = _find_errors(validator, line, position)
        if found is not None:
            invalid.append(found)
            if len(invalid) == MAX_INVALID_ITEMS or len(_encode(invalid)) > MAX_TOLD:
                break
    return _encode(invalid)


def _find_errors(validator: jsonschema_rs.Validator, line: bytes, position: int) -> dict[str, Any] | None:
    try:
        item = _decode(line)
        return None if validator.is_valid(item) else ajv.describe(validator, item, position)
    except (RecursionError, ValueError) as error:
        problem = f"cannot be held to the schema: {error}"[:MAX_PROBLEM]
        return {"itemPosition": position, "validationErrors": [ajv.fail(position, problem)]}


def _encode(invalid: list[dict[str, Any]]) -> bytes:
    return json.dumps(invalid, default=float).encode()


def _decode(item: bytes) -> Any:
    try:
        return msgspec.json.decode(item)
    except msgspec.DecodeError:  # a number that only JSON can hold, or half of a pair of UTF-16
        found = json.loads(item.decode(errors="replace"), parse_int=_number, parse_float=_number)
        return msgspec.json.decode(json.dumps(found, ensure_ascii=False).encode(errors="replace"))


def _number(text: str) -> int | float:
    value = float(text)
    if math.isinf(value):
        return math.copysign(1e308, value)
    return int(text) if text.lstrip("-").isdecimal() else value


if __name__ == "__main__":
    main()
