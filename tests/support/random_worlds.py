"""Descriptions of worlds that hypothesis makes, to be built by worlds.py."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from accounts.models import AccountGeneralAccess
from resources.kinds import KINDS, Kind
from resources.models import GeneralAccess
from sharing.access import Reason
from tests.support.cast import PEOPLE

LISTED_FOR = {
    Reason.OWNER,
    Reason.GRANT,
    Reason.ACTOR_GRANT,
    Reason.ISSUE,
    Reason.OWNER_RUNS,
    Reason.CREATOR_RUNS,
    Reason.RUN,
}
person = st.sampled_from(PEOPLE)
run_level = st.sampled_from(["FOLLOW_USER_SETTING", "ANYONE_WITH_ID_CAN_READ", "RESTRICTED"])
# Milliseconds from when the world is built: that long ago, since then, and later than any test takes.
DAY = 24 * 60 * 60 * 1000
ends = st.sampled_from([None, None, None, -DAY, 0, DAY])
few_worlds = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def worlds(draw: st.DrawFn, runs: int = 2) -> dict[str, Any]:
    """Describe a world in which every kind of relation between people and resources can come up."""
    resources: list[dict[str, Any]] = []

    def add(name: str, kind: str, **fields: Any) -> str:
        resources.append({"name": name, "kind": kind, "owner": draw(person), **fields})
        return name

    actors = [add(f"actor{n}", "actor", public=draw(st.booleans())) for n in range(2)]
    tasks = [add(f"task{n}", "task", actor=draw(st.sampled_from(actors))) for n in range(2)]
    add("schedule0", "schedule")
    add("build0", "build", actor=draw(st.sampled_from(actors)), generalAccess=draw(run_level))
    for n in range(runs):
        run = add(
            f"run{n}",
            "run",
            actor=draw(st.sampled_from(actors)),
            task=draw(st.sampled_from([None, *tasks])),
            generalAccess=draw(run_level),
        )
        owner = resources[-1]["owner"]
        for kind in ("dataset", "keyValueStore", "requestQueue"):
            add(f"{run}-{kind}", kind, run=run, storageName=None, generalAccess=draw(run_level))
            resources[-1]["owner"] = owner
    for n in range(2):
        named = draw(st.booleans())
        levels = [level.value for level in GeneralAccess if named or level != "ANYONE_WITH_NAME_CAN_READ"]
        kind = draw(st.sampled_from(["dataset", "keyValueStore", "requestQueue"]))
        name = f"prices-{n}" if named else None
        add(f"storage{n}", kind, run=None, storageName=name, generalAccess=draw(st.sampled_from(levels)))
    return {
        "accounts": [
            {
                "name": name,
                "generalAccess": draw(st.sampled_from(AccountGeneralAccess.values)),
                "shareRunsWithActorCreators": draw(st.booleans()),
            }
            for name in PEOPLE
        ],
        "resources": resources,
        "now": 0,
        "grants": draw(_grants(resources)),
        "issues": draw(_issues(resources)),
    }


@st.composite
def _grants(draw: st.DrawFn, resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    pairs = [(r, p) for r in resources for p in PEOPLE if r["owner"] != p]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=8, unique_by=lambda pair: (pair[0]["name"], pair[1])))
    return [
        {
            "resource": resource["name"],
            "account": who,
            "permissions": draw(st.sets(st.sampled_from(KINDS[Kind(resource["kind"])].permissions), min_size=1)),
            "expiresAt": draw(ends),
        }
        for resource, who in chosen
    ]


@st.composite
def _issues(draw: st.DrawFn, resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    runs = [r for r in resources if r["kind"] == "run"]
    return [
        {"actor": run["actor"], "author": run["owner"], "run": run["name"]}
        for run in draw(st.lists(st.sampled_from(runs), max_size=3))  # one run may be attached to several
    ]
