"""Makes and shows runs in a process of its own: `python -m tests.support.other_worker make PORT`, `care`, `show RUN`.

`make` prints the ids of two runs that are READY, the second to be restarted on error. Each connects to PORT and then
waits for ever. `care` does what workers do for those that have died.

`schedule PORT TIME` has an Actor that connects to PORT and ends be started every minute, from TIME on, and prints the
id of the schedule; `fired SCHEDULE` prints for which times it was.
"""

import json
import os
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from unittest import mock

import django
from django.conf import settings
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django.setup()

from accounts.models import Account  # noqa: E402
from resources.logs.reading import read_text  # noqa: E402
from resources.models import Run, Schedule  # noqa: E402
from resources.runs import starting  # noqa: E402
from resources.runs.options import RunOptions  # noqa: E402
from resources.schedules import editing  # noqa: E402
from resources.schedules.actions import RunActor  # noqa: E402
from resources.schedules.editing import ScheduleChange  # noqa: E402
from resources.worker import leases  # noqa: E402
from tests.support.work_stage import actor_of, built  # noqa: E402

WAITS = """
import socket, sys, time
connection = socket.create_connection(("127.0.0.1", {port}))
connection.sendall(b"ready")
print("connected", flush=True)
while True:
    time.sleep(1)
"""
CONNECTS = """
import socket
with socket.create_connection(("127.0.0.1", {port})) as connection:
    connection.sendall(b"ready")
"""


def make(port: str) -> list[str]:
    """Make them."""
    ada = Account.objects.create_user("ada", "ada@example.com")
    actor = actor_of(ada, {"main.py": WAITS.format(port=port)})
    assert built(actor).status == "SUCCEEDED"
    wanted = (RunOptions(restart_on_error=False), RunOptions(restart_on_error=True))
    return [starting.start(actor, by=ada.principal, options=options).pk for options in wanted]


def care() -> int:
    """Care for the jobs of dead workers as if their leases had run out, and return how many there were."""
    later = timezone.now() + timedelta(seconds=settings.WORKER_LEASE_SECS)
    with mock.patch("django.utils.timezone.now", return_value=later):
        return leases.reclaim_expired_leases("the next one")


def show(run_id: str) -> dict[str, object]:
    """Return what is to be seen of a run."""
    run = Run.objects.get(pk=run_id)
    counts = {"restarts": run.restart_count, "moves": run.migration_count}
    return {"status": run.status, "worker": run.worker, "log": read_text(run_id), **counts}


def schedule(port: str, time: str) -> str:
    """Make one."""
    ada = Account.objects.create_user("ada", "ada@example.com")
    actor = actor_of(ada, {"main.py": CONNECTS.format(port=port)})
    assert built(actor).status == "SUCCEEDED"
    change = ScheduleChange(cron_expression="* * * * *", is_enabled=True, actions=(RunActor(actor_id=actor.pk),))
    made = editing.create(ada.pk, change, by=ada.principal)
    Schedule.objects.filter(pk=made.pk).update(next_at=datetime.fromisoformat(time))
    return made.pk


def fired(schedule_id: str) -> list[str]:
    """Return the times."""
    runs = Run.objects.filter(schedule_id=schedule_id).order_by("scheduled_at")
    return [time.isoformat() for time in runs.values_list("scheduled_at", flat=True) if time]


if __name__ == "__main__":
    commands: dict[str, Callable[..., object]] = {
        "make": make,
        "care": care,
        "show": show,
        "schedule": schedule,
        "fired": fired,
    }
    print(json.dumps(commands[sys.argv[1]](*sys.argv[2:])))
