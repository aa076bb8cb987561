"""What a run was refused, out of the notes in its log (`console/run_notes.py`), and what there is to do about it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from resources.jobs import FINISHED, JobStatus
from resources.logs import reading
from resources.models import Run

# One notice says what there is to say; the log has them all.
MOST = 5
_NOTE = re.compile(
    r"\S+ ACCESS: (?P<asked>[A-Z]+ /\S*) was refused: (?P<status>\d{3}) (?P<type>[a-z-]*)\.(?: (?P<why>.{1,400}))?"
)
_MARK = b" ACCESS: "
_LONGEST_LINE = 2_000


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """A call of a run that was refused: what it asked for, and why it did not get it."""

    asked: str
    status: str
    why: str


def refused_calls(run: Run) -> list[RefusedCall]:
    """Return the first few different calls that a run was refused; none where it goes on, or has succeeded."""
    if run.status not in FINISHED or run.status == JobStatus.SUCCEEDED:
        return []
    found: dict[RefusedCall, None] = {}
    for line in _marked_lines(run.pk):
        note = _NOTE.fullmatch(line)
        if note is not None:
            found[RefusedCall(note["asked"], f"{note['status']} {note['type']}".strip(), note["why"] or "")] = None
            if len(found) == MOST:
                break
    return list(found)


def _marked_lines(run_id: str) -> Iterator[str]:
    """Yield the lines of a log that may be notes; pieces of a log are whole lines."""
    for piece in reading.read(run_id):
        if _MARK in piece:
            yield from (line[:_LONGEST_LINE].decode(errors="replace") for line in piece.split(b"\n") if _MARK in line)
