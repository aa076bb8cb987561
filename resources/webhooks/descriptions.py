"""What a webhook tells of a run or build: the very object that the API answers with, which only the API can write.

The API is above: it leaves here the functions that write it, when the server starts (`console/apps.py`).
"""

from collections.abc import Callable
from typing import Any

from accounts.lib.timestamps import iso
from resources.kinds import Kind
from resources.models import MODELS, Build, Resource, Run

Describe = Callable[[Any], dict[str, Any]]
_DESCRIBE: dict[Kind, Describe] = {}


def describe_by(kind: Kind, describe: Describe) -> None:
    """Have resources of a kind described by `describe`, which is given the model's instance."""
    _DESCRIBE[kind] = describe


def described(kind: Kind, id_: str) -> dict[str, Any] | None:
    """Return a run or build as its owner sees it in the API; None when it is not there any more."""
    found: Resource | None = MODELS[kind].objects.filter(pk=id_).first()
    describe: Describe = _DESCRIBE.get(kind, _plainly)
    return None if found is None else describe(found)


def _plainly(job: Run | Build) -> dict[str, Any]:
    """Return what matters most of a job, for a process that has no API, as a script that imports only this floor."""
    return {
        "id": job.pk,
        "actId": job.actor_id,
        "userId": job.owner_id,
        "status": job.status,
        "statusMessage": job.status_message or None,
        "startedAt": iso(job.started_at) if job.started_at else None,
        "finishedAt": iso(job.finished_at) if job.finished_at else None,
        "exitCode": job.exit_code,
    }
