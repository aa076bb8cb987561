"""What a run was refused, by the notes in its log (`console/http/refusal_log.py`), and what there is to do about it.

Only what the server itself wrote there is read: an Actor may print lines that look like notes, and say what it likes.
"""

import re
from dataclasses import dataclass

from resources.jobs.status import FINISHED, JobStatus
from resources.logs import reading
from resources.models import Run

# One notice says what there is to say; the log has them all.
MOST = 5
_NOTE = re.compile(
    r"\S+ ACCESS: (?P<asked>[A-Z]+ /\S*) was refused: (?P<status>\d{3}) (?P<type>[a-z-]*)\.(?: (?P<why>.{1,400}))?"
)
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
    for line in reading.lines_of_ours(run.pk):
        note = _NOTE.fullmatch(line[:_LONGEST_LINE].decode(errors="replace"))
        if note is not None:
            found[RefusedCall(note["asked"], f"{note['status']} {note['type']}".strip(), note["why"] or "")] = None
            if len(found) == MOST:
                break
    return list(found)
