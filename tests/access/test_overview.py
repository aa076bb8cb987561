"""Who has access, as the share dialog and the API show it, held to the decision."""

import json
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from resources.kinds import Kind
from resources.models import GeneralAccess
from sharing.access import Reason
from sharing.facts import load_facts
from sharing.models import Grant, Issue
from sharing.overview import overview
from sharing.permissions import Permission
from tests.support.worlds import World, build

CASES = json.loads((Path(__file__).parent / "access_cases.json").read_text())["worlds"]
# What holds for a list of people: not what everybody may do with a public Actor, nor what a mere link opens.
OPEN_TO_ALL = {Reason.PUBLIC_ACTOR, Reason.ANYONE_WITH_ID, Reason.ANYONE_WITH_NAME}


def of(resource, account=None):
    return overview(load_facts(resource, account.pk if account else None))


def permissions_shown(world: World, name: str) -> dict[str, set[str]]:
    """What the overview says that each account may do, by the account's name in the world."""
    shown = of(world.resources[name])
    names = {account.pk: who for who, account in world.accounts.items()}
    held: dict[str, set[str]] = {}
    for row in [*shown.items, *(row for row in shown.elsewhere if row.account_id is not None)]:
        assert row.username == names[row.account_id]
        held.setdefault(names[row.account_id], set()).update(row.permissions)
    return held


@pytest.mark.django_db
@pytest.mark.parametrize("number", range(0, len(CASES), 3))
def test_the_overview_names_exactly_those_whom_the_decision_lets_in(number):
    world = build(CASES[number])
    for name, resource in world.resources.items():
        shown = permissions_shown(world, name)
        for who, account in world.accounts.items():
            if account.pk == resource.owner_id:
                assert who not in shown
                continue
            decisions = {what: world.decide(who, name, what) for what in Permission.__members__}
            held = {what for what, decision in decisions.items() if decision.allowed}
            opened = {what for what in held if decisions[what].reason in OPEN_TO_ALL}
            assert held - opened <= shown.get(who, set()) <= held, (name, who)


def test_an_actors_grants_show_on_its_builds(ada, ben, cleo, make_resource, give):
    actor = make_resource(Kind.ACTOR, ada, name="prices-crawler")
    build = make_resource(Kind.BUILD, ada, actor=actor)
    give(actor, ben)
    give(actor, cleo, "BUILD")
    rows = of(build).elsewhere
    assert [(row.username, row.permissions, row.through.name) for row in rows] == [
        ("ben", ["READ"], "prices-crawler"),
        ("cleo", ["READ", "WRITE"], "prices-crawler"),
    ]


def test_a_public_actor_shows_everybody(ada, make_resource):
    actor = make_resource(Kind.ACTOR, ada, name="open", is_public=True)
    (row,) = of(actor).elsewhere
    assert (row.account_id, row.permissions, row.reason) == (None, ["READ", "RUN"], Reason.PUBLIC_ACTOR)


def test_an_issue_shows_on_the_run_and_through_it_on_its_storages(ada, dan, make_resource):
    actor = make_resource(Kind.ACTOR, dan, name="shop", is_public=True)
    run = make_resource(Kind.RUN, ada, actor=actor)
    dataset = make_resource(Kind.DATASET, ada, run=run)
    issue = Issue.objects.create(actor=actor, author=ada, title="Prices missing", run=run)
    Grant.objects.create(
        resource=run,
        account=dan,
        source="ISSUE",
        issue=issue,
        resource_kind=run.kind,
        resource_created_at=run.created_at,
    )
    (right,) = of(run).items
    assert (right.username, right.source, right.issue_title) == ("dan", "ISSUE", "Prices missing")
    (row,) = of(dataset).elsewhere
    assert (row.username, row.reason, row.run_reason, row.issue_title) == (
        "dan",
        Reason.RUN,
        Reason.ISSUE,
        "Prices missing",
    )


def test_the_level_says_where_it_comes_from(ada, make_resource):
    run = make_resource(Kind.RUN, ada, general_access=GeneralAccess.RESTRICTED)
    of_run = make_resource(Kind.DATASET, ada, run=run)
    own = make_resource(Kind.DATASET, ada, general_access=GeneralAccess.ANYONE_WITH_ID_CAN_READ)
    follows = make_resource(Kind.DATASET, ada)
    found = [of(each) for each in (run, of_run, own, follows)]
    assert [(each.effective_general_access, each.inherited_from) for each in found] == [
        ("RESTRICTED", None),
        ("RESTRICTED", "RUN"),
        ("ANYONE_WITH_ID_CAN_READ", None),
        ("ANYONE_WITH_ID_CAN_READ", "ACCOUNT"),
    ]


def test_its_cost_does_not_grow_with_the_people(ada, make_account, make_resource, give):
    actor = make_resource(Kind.ACTOR, ada, name="busy")
    run = make_resource(Kind.RUN, ada, actor=actor)
    dataset = make_resource(Kind.DATASET, ada, run=run)
    facts = load_facts(dataset, None)
    counts = []
    for number in range(6):
        someone = make_account(f"person{number}")
        give(dataset, someone)
        give(run, someone)
        give(actor, someone, "VIEW_OWNER_RUNS")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            rows = overview(facts)
        assert len(rows.items) + len(rows.elsewhere) == 3 * (number + 1)
        counts.append(len(queries))
    assert set(counts) == {1}
