"""What is in the demo: who owns what, what they share with whom, and how.

Everything is said in the terms of the access model and made through the project's own functions.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
from django.utils import timezone

from accounts.models import Account, AccountGeneralAccess
from accounts.principal import Principal
from console.demo import items, programs, records
from resources import permission_levels
from resources.datasets.writing import push
from resources.jobs.status import JobStatus, Origin
from resources.kinds import Kind
from resources.logs.writing import append_line
from resources.models import MODELS, Actor, Build, GeneralAccess, Resource, Run, Task
from resources.records.writing import write
from resources.request_queues.clients import Client
from resources.request_queues.head import lock_head
from resources.request_queues.writing import add
from resources.runs import starting
from resources.schedules import editing as schedules
from resources.schedules.actions import RunActorTask
from resources.schedules.editing import ScheduleChange
from resources.tasks import editing as tasks
from resources.tasks.editing import JSON_TYPE, TaskChange
from sharing import general_access, grants, run_starts
from sharing.issues import issues
from sharing.models import Issue
from sharing.permissions import parse


@dataclass(frozen=True, slots=True)
class Person:
    """An account of the demo, and why to sign in as it."""

    username: str
    about: str
    general_access: str = AccountGeneralAccess.ANYONE_WITH_ID_CAN_READ.value
    shares_runs: bool = False


PEOPLE = (
    Person("ada", "owns most of it, and shares her runs with Actor creators", shares_runs=True),
    Person("ben", "works with ada; his account is set to Restricted", AccountGeneralAccess.RESTRICTED.value),
    Person("cleo", "has been given little"),
    Person("dan", "made the public Actor that the others run"),
)


STEP = timedelta(hours=7, minutes=41)


class World:
    """Makes the demo's resources for its four accounts; the first made is the oldest."""

    def __init__(self, people: dict[str, Account]) -> None:
        self._people = people
        self._at = timezone.now() - timedelta(days=14, hours=5, minutes=17)
        self._builds: dict[str, Build] = {}  # by the id of their Actor

    def build(self) -> None:
        """Make everything."""
        self._datasets()
        actor = self._public_actors()
        self._own_actor()
        self._runs(actor)
        self._other_storages()
        self._runs_to_come(actor)

    def _datasets(self) -> None:
        zones = self._dataset(
            "ada", items.time_zones(), name="time-zones", title="Time zones (IANA tz database 2026f, public domain)"
        )
        self._level(zones, GeneralAccess.ANYONE_WITH_NAME_CAN_READ)
        self._grant(zones, "ben", "READ", "WRITE")
        self._grant(zones, "cleo", "READ")
        countries = self._dataset(
            "ada",
            items.countries(),
            name="countries",
            title="Countries (ISO 3166 codes, IANA tz database, public domain)",
        )
        self._level(countries, GeneralAccess.RESTRICTED)
        self._grant(countries, "ben", "READ", "WRITE", "MANAGE_ACCESS_RIGHTS")
        statuses = self._dataset(
            "ben", items.status_codes(), name="http-status-codes", title="HTTP status codes (IANA, CC0; Python's http)"
        )
        self._grant(statuses, "ada", "READ")
        open_to_links = self._dataset(
            "ben", [zone for zone in items.time_zones() if zone["region"] == "Pacific"], name="pacific-time-zones"
        )
        self._level(open_to_links, GeneralAccess.ANYONE_WITH_ID_CAN_READ)
        self._dataset("cleo", [zone for zone in items.time_zones() if zone["region"] == "Antarctica"])
        self._dataset("ada", [], name="still-empty")

    def _public_actors(self) -> Actor:
        """Return dan's Actor, which anyone may run; its builds are readable by all, one of them shared for writing."""
        actor = self._actor(
            "dan",
            "character-finder",
            title="Finds characters of Unicode",
            description="Finds the characters of a general category, like currency signs, with their names.",
            is_public=True,
        )
        self._grant(self._builds[actor.pk], "ben", "READ", "WRITE")
        self._forgetful = self._actor(
            "dan",
            "forgetful-counter",
            title="Counts its own items without a token",
            description="Works where anyone with the ID can read, and fails for a Restricted account: see its log.",
            is_public=True,
        )
        self._inventory = self._actor(
            "dan",
            "account-inventory",
            title="Counts what an account has",
            description="Asks for full permissions: it lists the storages and Actors of the account that runs it.",
            is_public=True,
            level=permission_levels.FULL,
        )
        return actor

    def _own_actor(self) -> None:
        """Ada's Actor, its task and schedule: explicit access only, a different mix for everybody."""
        actor = self._actor(
            "ada",
            "zone-collector",
            title="Collects the world's time zones",
            description="Pushes the time zones that there are, and the time that it is in each.",
        )
        self._grant(actor, "ben", "READ", "RUN", "BUILD", "VIEW_OWNER_RUNS")
        self._grant(actor, "cleo", "READ")
        every_night = TaskChange(name="zones-every-night", title="All zones", input='{"region": ""}')
        nightly = tasks.create(actor.owner_id, actor, every_night, by=self._principal("ada"))
        self._date(nightly)
        self._grant(nightly, "cleo", "READ", "VIEW_OWNER_RUNS")
        at_three = ScheduleChange(
            name="nightly",
            title="Every night at three",
            cron_expression="0 3 * * *",
            timezone="Europe/Prague",
            is_enabled=True,
            actions=[RunActorTask(actor_task_id=nightly.pk)],
        )
        schedule = schedules.create(actor.owner_id, at_three, by=self._principal("ada"))
        self._date(schedule)
        self._grant(schedule, "ben", "READ", "WRITE")
        self._run("ada", actor, items.time_zones()[:40], task=nightly)
        quiet = self._run("ada", actor, items.countries()[:25])
        self._level(quiet, GeneralAccess.RESTRICTED)
        self._run("ben", actor, items.time_zones()[40:60])

    def _runs(self, actor: Resource) -> None:
        """Runs of the public Actor: one that dan sees because ada opted in, one because ben attached it to an issue."""
        self._run("ada", actor, items.currency_signs())
        run = self._run("ben", actor, items.currency_signs()[:12])
        issue = Issue.objects.create(
            actor_id=actor.pk,
            author=self._people["ben"],
            title="Fullwidth signs are missing",
            description="The run found the first twelve currency signs only.",
        )
        issues.attach_run(issue, run, by=self._principal("ben"))
        shared = self._run("cleo", actor, items.currency_signs()[-20:])
        self._level(shared, GeneralAccess.RESTRICTED)
        self._grant(shared, "ada", "READ", "WRITE")

    def _runs_to_come(self, actor: Actor) -> None:
        """Runs that wait for a worker: of Actors that work for every user, for some, and for their owner."""
        signs = TaskChange(name="mathematical-symbols", title="Mathematical symbols", input='{"category": "Sm"}')
        task = tasks.create(self._people["ada"].pk, actor, signs, by=self._principal("ada"))
        self._start("ada", actor, task.input, task=task)
        self._start("ben", actor, '{"category": "Nd", "maxItems": 60}')
        self._start("ada", self._forgetful)
        self._start("ben", self._forgetful)
        self._start("dan", self._inventory)

    def _other_storages(self) -> None:
        reports = self._make(Kind.KEY_VALUE_STORE, "ada", name="reports")
        for record in records.reports():
            self._put(reports, record)
        self._grant(reports, "ben", "READ", "WRITE", "MANAGE_ACCESS_RIGHTS")
        queue = self._make(Kind.REQUEST_QUEUE, "ada", name="pages-to-visit")
        self._fill(queue)
        self._level(queue, GeneralAccess.RESTRICTED)
        self._grant(queue, "dan", "READ", "WRITE")

    def _run(self, owner: str, actor: Resource, found: items.Items, **fields: Any) -> Run:
        """Make a run of the past with its three default storages, what it was asked for, and what it found."""
        build = self._builds[actor.pk]
        run = self._make(Kind.RUN, owner, actor=actor, build=build, build_number=build.number, **fields)
        assert isinstance(run, Run)  # noqa: S101  # for the type checker
        run.status, run.exit_code, run.status_message = JobStatus.SUCCEEDED, 0, f"Found {len(found)} items."
        run.is_status_message_terminal = True
        run.build_option, run.timeout_secs, run.memory_mbytes = "latest", 3600, 1024
        run.started_at, run.finished_at = self._at, self._at + timedelta(seconds=len(found))
        run.save()
        starting.count(run)
        append_line(run.pk, "This run came with the demo: it is from before this server ran anything.", self._at)
        self._dataset(owner, found, run=run)
        store = self._make(Kind.KEY_VALUE_STORE, owner, run=run)
        wanted = msgspec.json.encode({"maxItems": len(found)})
        self._put(store, records.DemoRecord("INPUT", wanted, "application/json; charset=utf-8"))
        self._make(Kind.REQUEST_QUEUE, owner, run=run)
        return run

    def _start(self, owner: str, actor: Actor, wanted: str | None = None, task: Task | None = None) -> None:
        """Start a run as a user does: a worker runs it once the server is up."""
        content = None if wanted is None else wanted.encode()
        by = self._principal(owner)
        run_starts.start(actor, by=by, input=content, content_type=JSON_TYPE, task=task, origin=Origin.WEB)

    def _actor(self, owner: str, name: str, **fields: Any) -> Actor:
        """Make an Actor that really runs, and its build."""
        actor, build = programs.make(self._people[owner], name, **fields)
        self._builds[actor.pk] = build
        for each in (actor, build):
            self._date(each)
        return actor

    def _date(self, resource: Resource) -> None:
        """Let something be from when it is its turn."""
        self._at += STEP
        moments = {"created_at": self._at, "modified_at": self._at, "accessed_at": self._at}
        Resource.objects.filter(pk=resource.pk).update(**moments)
        resource.created_at = self._at  # grants repeat it
        if isinstance(resource, Build):
            Build.objects.filter(pk=resource.pk).update(started_at=self._at, finished_at=self._at)

    def _dataset(self, owner: str, content: Iterable[dict[str, Any]], **fields: Any) -> Resource:
        dataset = self._make(Kind.DATASET, owner, **fields)
        listed = list(content)
        if listed:
            push(dataset.pk, msgspec.json.encode(listed))
        return dataset

    def _put(self, store: Resource, record: records.DemoRecord) -> None:
        write(store.pk, record.key, [record.content], content_type=record.content_type)

    def _fill(self, queue: Resource) -> None:
        """Put requests into a queue, one of them locked for as long as a demo lasts."""
        worker = Client(queue.owner_id, "worker-1")
        add(queue.pk, [*records.handled_requests(), *records.locked_requests()], client=worker)
        lock_head(queue.pk, 1, timedelta(days=90), client=worker)
        add(queue.pk, records.pending_requests(), client=worker)

    def _make(self, kind: Kind, owner: str, **fields: Any) -> Resource:
        self._at += STEP
        related = {name: fields.pop(name).pk for name in ("actor", "task", "run") if name in fields}
        return MODELS[kind].objects.create(
            owner=self._people[owner],
            created_at=self._at,
            modified_at=self._at,
            accessed_at=self._at,
            **fields,
            **{f"{name}_id": pk for name, pk in related.items()},
        )

    def _grant(self, resource: Resource, username: str, *permissions: str) -> None:
        grants.grant(
            resource,
            self._people[username],
            parse(permissions, Kind(resource.kind)),
            by=self._get_owner_principal(resource),
        )

    def _level(self, resource: Resource, level: GeneralAccess) -> None:
        general_access.set_for_resource(resource, level.value, by=self._get_owner_principal(resource))

    def _get_owner_principal(self, resource: Resource) -> Principal:
        return next(self._principal(name) for name, each in self._people.items() if each.pk == resource.owner_id)

    def _principal(self, username: str) -> Principal:
        account = self._people[username]
        return Principal(account.pk, account.username, account.email)
