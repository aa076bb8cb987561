"""The rows of the access model's decision table and the consequences listed under it, as stories.

A row changes a `World` step by step, and between its steps it yields how things stand with a resource: who may read it
and by which reason, and who stands just beside it and stays out. `tests/access/test_decision_table.py` lives through
the rows over HTTP and `tests/browser/test_decision_table.py` in a browser. All accounts are Restricted, so that nothing
is open by its ID alone where the row is not about that.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from accounts.models import Account
from resources.kinds import KINDS, STORAGES, Kind
from resources.models import GeneralAccess, Resource
from sharing import grants
from sharing.issues import issues
from sharing.models import Issue

OUT = "NO_ACCESS"
ISSUE_TITLE = "Prices missing"


@dataclass(frozen=True)
class Standing:
    """Who may read a resource, and why, when it is addressed by ID or by name; `may` says it of other permissions."""

    resource: Resource
    why: Mapping[str, str]
    may: Mapping[tuple[str, str], str] = field(default_factory=dict)
    by_name: bool = False

    @property
    def address(self) -> str:
        """What names the resource in the API and the console."""
        return f"{self.resource.owner.username}~{self.resource.name}" if self.by_name else self.resource.pk

    @property
    def page(self) -> str:
        """The path of its page."""
        return f"/{self.resource.info.console_path}/{self.address}"

    @property
    def api(self) -> str:
        """Its path in the API."""
        return f"/v2/{self.resource.info.api_path}/{self.address}"


def stands(resource: Resource, *, may: Mapping[tuple[str, str], str] | None = None, by_name=False, **why) -> Standing:
    """Say how it stands: `stands(run, ben="GRANT", nobody=OUT, may={("ben", "WRITE"): OUT})`."""
    return Standing(resource, why, may or {}, by_name)


@dataclass
class World:
    """The cast, what there is, and what is done to it; `make` and `give` are the fixtures."""

    ada: Account
    ben: Account
    cleo: Account
    dan: Account
    make: Callable
    give: Callable

    def begin(self) -> "World":
        """Let all accounts be Restricted, and share no runs."""
        for account in (self.ada, self.ben, self.cleo, self.dan):
            self.change(account, general_access="RESTRICTED", share_runs_with_actor_creators=False)
        return self

    def change(self, each, **fields) -> None:
        """Change an account or a resource."""
        for name, value in fields.items():
            setattr(each, name, value)
        each.save()

    def take(self, resource: Resource, account: Account) -> None:
        """Take away what somebody was granted."""
        grants.revoke(resource, account, by=resource.owner.principal)

    def finder(self, public: bool = False):
        """Make dan's Actor."""
        return self.make(Kind.ACTOR, self.dan, name=f"finder-{Resource.objects.count()}", is_public=public)


Row = Callable[[World], Iterator[Standing]]


def owner_and_grant(world: World, kind: Kind) -> Iterator[Standing]:
    resource = world.make(kind, world.ada, name="prices" if KINDS[kind].storage else None)
    yield stands(resource, ada="OWNER", ben=OUT, may={("ada", "WRITE"): "OWNER"})
    world.give(resource, world.ben, "WRITE")
    may = {("ben", "WRITE"): "GRANT"}
    if "MANAGE_ACCESS_RIGHTS" in KINDS[kind].permissions:
        may["ben", "MANAGE_ACCESS_RIGHTS"] = OUT
    yield stands(resource, ben="GRANT", cleo=OUT, nobody=OUT, may=may)  # any permission implies READ
    world.take(resource, world.ben)
    yield stands(resource, ben=OUT)


def builds_of_an_actor_that_one_was_given(world: World) -> Iterator[Standing]:
    actor = world.finder()
    build = world.make(Kind.BUILD, world.dan, actor_id=actor.pk)
    yield stands(build, ben=OUT)
    world.give(actor, world.ben, "RUN")
    world.give(actor, world.cleo, "BUILD")
    may = {("ben", "WRITE"): OUT, ("cleo", "WRITE"): "ACTOR_GRANT"}
    yield stands(build, ben="ACTOR_GRANT", cleo="ACTOR_GRANT", ada=OUT, nobody=OUT, may=may)
    world.take(actor, world.ben)
    yield stands(build, ben=OUT)


def public_actor_and_its_builds(world: World) -> Iterator[Standing]:
    actor = world.finder()
    build = world.make(Kind.BUILD, world.dan, actor_id=actor.pk)
    for each in (actor, build):
        yield stands(each, ben=OUT, nobody=OUT)
    world.change(actor, is_public=True)
    may = {("ben", "RUN"): "PUBLIC_ACTOR", ("nobody", "RUN"): OUT, ("ben", "WRITE"): OUT}
    yield stands(actor, ben="PUBLIC_ACTOR", nobody="PUBLIC_ACTOR", may=may)
    yield stands(build, ben="PUBLIC_ACTOR", nobody="PUBLIC_ACTOR", may={("ben", "WRITE"): OUT})
    world.change(actor, is_public=False)
    for each in (actor, build):
        yield stands(each, ben=OUT, nobody=OUT)


def run_on_an_issue_of_ones_actor(world: World, end: Callable[[World, Issue], None]) -> Iterator[Standing]:
    actor = world.finder(public=True)
    run = world.make(Kind.RUN, world.ada, actor_id=actor.pk)
    dataset = world.make(Kind.DATASET, world.ada, run=run)
    another = world.make(Kind.RUN, world.ada, actor_id=actor.pk)
    named = world.make(Kind.DATASET, world.ada, name=f"own-{run.pk}")
    issue = Issue.objects.create(actor=actor, author=world.ada, title=ISSUE_TITLE)
    for each in (run, dataset):
        yield stands(each, dan=OUT)
    issues.attach_run(issue, run, by=world.ada.principal)
    yield stands(run, dan="ISSUE", ben=OUT, may={("dan", "WRITE"): OUT})
    yield stands(dataset, dan="RUN", ben=OUT)
    for each in (another, named):  # nothing else is shared by it
        yield stands(each, dan=OUT)
    end(world, issue)
    for each in (run, dataset):
        yield stands(each, dan=OUT)


ENDS_OF_AN_ISSUE = {
    "the run is taken off": lambda world, issue: issues.detach_run(issue, by=world.ada.principal),
    "the run's owner removes it": lambda world, issue: world.take(issue.run, world.dan),
    "the issue is deleted": lambda world, issue: issues.delete(issue, by=world.ada.principal),
}


def owners_runs_one_way(world: World, through: str) -> Iterator[Standing]:
    actor = world.make(Kind.ACTOR, world.ada, name=f"crawler-{through}")
    task = world.make(Kind.TASK, world.ada, name=f"nightly-{through}", actor_id=actor.pk)
    of_ada, of_ben, of_cleo = (
        world.make(Kind.RUN, each, actor_id=actor.pk, task_id=task.pk) for each in (world.ada, world.ben, world.cleo)
    )
    dataset = world.make(Kind.DATASET, world.ada, run=of_ada)
    shared = {"actor": actor, "task": task}[through]
    for each in (world.ben, world.cleo):
        world.give(shared, each, "VIEW_OWNER_RUNS")
    yield stands(of_ada, ben="OWNER_RUNS", cleo="OWNER_RUNS", dan=OUT, nobody=OUT, may={("ben", "WRITE"): OUT})
    yield stands(dataset, ben="RUN", dan=OUT)
    # a collaborator sees the owner's runs, never another collaborator's, and the owner sees no collaborator's
    yield stands(of_cleo, ben=OUT, ada=OUT)
    yield stands(of_ben, cleo=OUT, ada=OUT)
    world.give(of_ben, world.ada, "READ")  # ... unless that collaborator shares them
    yield stands(of_ben, ada="GRANT")
    world.take(shared, world.ben)
    yield stands(of_ada, ben=OUT)


def to_see_an_actor_is_not_to_see_its_owners_runs(world: World) -> Iterator[Standing]:
    actor = world.make(Kind.ACTOR, world.ada, name="crawler")
    run = world.make(Kind.RUN, world.ada, actor_id=actor.pk)
    world.give(actor, world.ben, "READ", "WRITE", "RUN", "BUILD", "MANAGE_ACCESS_RIGHTS")
    yield stands(run, ben=OUT)


def creators_see_the_runs_of_those_who_opted_in(world: World) -> Iterator[Standing]:
    actor = world.finder(public=True)
    of_ada, of_ben = (world.make(Kind.RUN, each, actor_id=actor.pk) for each in (world.ada, world.ben))
    dataset = world.make(Kind.DATASET, world.ada, run=of_ada)
    yield stands(of_ada, dan=OUT)
    world.change(world.ada, share_runs_with_actor_creators=True)
    yield stands(of_ada, dan="CREATOR_RUNS", cleo=OUT, nobody=OUT, may={("dan", "WRITE"): OUT})  # of before as well
    yield stands(dataset, dan="RUN", cleo=OUT)
    yield stands(of_ben, dan=OUT)
    world.change(actor, is_public=False)
    yield stands(of_ada, dan=OUT)
    world.change(actor, is_public=True)
    yield stands(of_ada, dan="CREATOR_RUNS")
    world.change(world.ada, share_runs_with_actor_creators=False)
    yield stands(of_ada, dan=OUT)


def default_storages_go_with_their_run(world: World, kind: Kind) -> Iterator[Standing]:
    run = world.make(Kind.RUN, world.ada, general_access=GeneralAccess.ANYONE_WITH_ID_CAN_READ)
    storage = world.make(kind, world.ada, run=run)
    yield stands(storage, cleo="ANYONE_WITH_ID")  # it follows its run
    world.change(storage, general_access=GeneralAccess.RESTRICTED)
    yield stands(run, cleo="ANYONE_WITH_ID")
    yield stands(storage, cleo=OUT, nobody=OUT)  # closed to whoever merely has the ID, though the run is open
    world.give(run, world.ben, "READ")
    yield stands(storage, ben="RUN", may={("ben", "WRITE"): OUT})  # and open to whoever was given the run
    world.take(run, world.ben)
    yield stands(storage, ben=OUT)


def by_name_and_by_id(world: World, kind: Kind) -> Iterator[Standing]:
    storage = world.make(kind, world.ada, name="prices")
    for level, by_name, by_id in (
        (GeneralAccess.RESTRICTED, OUT, OUT),
        (GeneralAccess.ANYONE_WITH_ID_CAN_READ, OUT, "ANYONE_WITH_ID"),
        (GeneralAccess.ANYONE_WITH_NAME_CAN_READ, "ANYONE_WITH_NAME", "ANYONE_WITH_ID"),
        (GeneralAccess.FOLLOW_USER_SETTING, OUT, OUT),
    ):
        world.change(storage, general_access=level)
        yield stands(storage, cleo=by_name, nobody=by_name, by_name=True)
        yield stands(storage, cleo=by_id, nobody=by_id)
    world.change(world.ada, general_access="ANYONE_WITH_ID_CAN_READ")
    yield stands(storage, cleo=OUT, nobody=OUT, by_name=True)
    yield stands(storage, cleo="ANYONE_WITH_ID", nobody="ANYONE_WITH_ID")


def runs_and_builds_by_id(world: World, kind: Kind) -> Iterator[Standing]:
    resource = world.make(kind, world.ada)
    yield stands(resource, cleo=OUT)
    world.change(world.ada, general_access="ANYONE_WITH_ID_CAN_READ")
    yield stands(resource, cleo="ANYONE_WITH_ID", nobody="ANYONE_WITH_ID")
    world.change(resource, general_access=GeneralAccess.RESTRICTED)
    yield stands(resource, cleo=OUT, nobody=OUT)  # the most specific setting wins


def an_id_opens_no_actor_task_or_schedule(world: World, kind: Kind) -> Iterator[Standing]:
    world.change(world.ada, general_access="ANYONE_WITH_ID_CAN_READ")
    yield stands(world.make(kind, world.ada, name="prices"), cleo=OUT, nobody=OUT)


def _of(row: Callable, name: str, values) -> list[Row]:
    return [partial(row, **{name: value}) for value in values]


# Each row of the table, with what it is to be lived through for.
ROWS: dict[str, list[Row]] = {
    "1 and 2: owner and grant": _of(owner_and_grant, "kind", Kind),
    "3: builds of an Actor that one was given": [builds_of_an_actor_that_one_was_given],
    "4: a public Actor and its builds": [public_actor_and_its_builds],
    "5: a run on an issue of one's Actor": _of(run_on_an_issue_of_ones_actor, "end", ENDS_OF_AN_ISSUE.values()),
    "6: the owner's runs, one way": _of(owners_runs_one_way, "through", ("actor", "task")),
    "6: to see an Actor is not to see its owner's runs": [to_see_an_actor_is_not_to_see_its_owners_runs],
    "7: creators see the runs of those who opted in": [creators_see_the_runs_of_those_who_opted_in],
    "8: default storages go with their run": _of(default_storages_go_with_their_run, "kind", STORAGES),
    "9 and 10: by name and by ID": _of(by_name_and_by_id, "kind", STORAGES),
    "10: runs and builds by ID": _of(runs_and_builds_by_id, "kind", (Kind.RUN, Kind.BUILD)),
    "10: an ID opens no Actor, task or schedule": _of(
        an_id_opens_no_actor_task_or_schedule, "kind", (Kind.ACTOR, Kind.TASK, Kind.SCHEDULE)
    ),
}


@dataclass(frozen=True)
class Refusal:
    """A call of the API that is refused: who makes it, which, and the answer. The path has fields to be filled in."""

    who: str
    method: str
    path: str
    status: int
    type: str


def refusals_of(kind: Kind) -> list[Refusal]:
    """Return how the API refuses a resource of ada's, "prices", to cleo, to nobody, and to ben, who may read it."""
    info = KINDS[kind]
    item = "/v2/{collection}/{id}"
    in_the_open = (403, "insufficient-permissions") if info.general_access else (404, "record-not-found")
    found = []
    for who in ("nobody", "cleo"):
        found.append(Refusal(who, "GET", item, *in_the_open))
        found.append(Refusal(who, "GET", "/v2/{collection}/{missing}", 404, "record-not-found"))
        found.append(Refusal(who, "GET", "/v2/{collection}/ada~prices", 404, "record-not-found"))
    found.append(Refusal("nobody", "DELETE", item, 401, "token-not-provided"))
    found.append(Refusal("nobody", "GET", "/v2/{collection}", 401, "token-not-provided"))
    found.append(Refusal("cleo", "DELETE", item, *in_the_open))
    found.append(Refusal("ben", "DELETE", item, 403, "insufficient-permissions"))
    found.append(Refusal("nonsense", "GET", item, 401, "user-or-token-not-found"))
    return found
