"""The secret texts in the inputs of runs, kept in memory for a while by a process that hides them again and again.

A run can send a status message as often as it wants, and decrypting its inputs takes up to some seconds of a core.
"""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from resources.models import Run
from resources.runs import input_secrets

MOST_RUNS = 200
_SECONDS = 600.0

_Key = tuple[str, int, int]


@dataclass(slots=True)
class _Entry:
    until: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    texts: list[str] | None = None


_entries: OrderedDict[_Key, _Entry] = OrderedDict()
_lock = threading.Lock()


def get_hidden_texts(run: Run) -> list[str]:
    """Return the texts in the secret fields of all inputs that a run has been given, decrypted once in a while.

    They are read anew where the run has been given another input since: by a metamorph, or when it was resurrected.

    Raises:
        CannotDecrypt: as `input_secrets.load_hidden_texts`, of which only what it returns is kept.
    """
    entry = _get_entry((run.pk, run.resurrect_count, len(run.metamorphs)))
    with entry.lock:  # messages that come at the same time wait for the first one
        if entry.texts is None:
            entry.texts = input_secrets.load_hidden_texts(run)
        return entry.texts


def _get_entry(key: _Key) -> _Entry:
    now = time.monotonic()
    with _lock:
        entry = _entries.get(key)
        if entry is None or entry.until < now:
            _entries.pop(key, None)
            entry = _entries[key] = _Entry(now + _SECONDS)
        while _entries and (len(_entries) > MOST_RUNS or next(iter(_entries.values())).until < now):
            _entries.popitem(last=False)  # the oldest one, for all are kept equally long
        return entry
