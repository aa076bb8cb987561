"""What `manage.py check_data` looks at: each check is a function that yields sentences about what is wrong.

They can run while the server runs. What is being changed at that moment is looked at again under a lock before it is
called wrong.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from console.data_checks import database, links, logs, records, secrets, storages


class Check(NamedTuple):
    """One check: what it is about, and what yields a sentence for each thing that is wrong."""

    about: str
    problems: Callable[[], Iterator[str]]


def every_check(*, read_files: bool = True) -> list[Check]:
    """Return all checks; `read_files` says whether the files of records are read, or only their sizes looked at."""
    return [
        Check("rows that name rows", database.problems),
        Check("files of records", lambda: records.problems(read_files=read_files)),
        Check("key-value stores", storages.problems_of_stores),
        Check("datasets", storages.problems_of_datasets),
        Check("request queues", storages.problems_of_queues),
        Check("logs", logs.problems),
        Check("runs", database.problems_of_runs),
        Check("grants", database.problems_of_grants),
        Check("registered links", links.problems),
        Check("secrets", secrets.problems),
        Check("sessions", secrets.problems_of_sessions),
    ]
