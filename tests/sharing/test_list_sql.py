"""The SQL of lists can be read and run: each rule by itself, and pages that are laid out as they are nested."""

import string
from types import ModuleType
from typing import Any

import pytest
from django.db import connection

from resources.kinds import Kind
from resources.models import Run
from sharing.access import Reason
from sharing.grant_ends import bound_moment
from sharing.issues import issues
from sharing.list_sql import postgresql, sqlite
from sharing.list_sql.bulk_shares import BULK_SHARES, WIDELY_SHARED_ACTORS
from sharing.list_sql.narrowed import Narrowed
from sharing.list_sql.pages import page
from sharing.list_sql.rules import OWN, OWN_BY_STATUS, OWN_RUN_COUNT, RANKS, SHARED, Rule
from sharing.list_sql.text import Query, fill, narrow
from sharing.list_sql.totals import total
from sharing.models import Issue
from tests.support.factories import give

EVERYTHING = Narrowed(
    mine=True,
    shared=True,
    kinds=frozenset(Kind),
    named=False,
    searched=False,
    of_actor=False,
    of_task=False,
    statuses=frozenset(),
    since=True,
    until=True,
)
PAIRS = {f"{pairs.reason} by {pairs.parent}": pairs for pairs in BULK_SHARES}


def run(statement: str, account) -> list[tuple]:
    return Query(statement).rows({"me": account.pk, "now": bound_moment(), "many_owners": 1})


def explain(statement: str, parameters: list[Any]) -> str:
    """Return how SQLite goes about a statement."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return "\n".join(row[3] for row in cursor.fetchall())


def slots(module: ModuleType) -> dict[str, set[str | None]]:
    """Return the names of the slots of each statement of a module."""
    statements = {name: value for name, value in vars(module).items() if name.isupper()}
    return {name: {slot for _, slot, _, _ in string.Formatter().parse(text)} for name, text in statements.items()}


@pytest.mark.django_db
@pytest.mark.parametrize("rule", [OWN, *SHARED], ids=lambda rule: rule.reason.name)
def test_a_rule_can_be_run_by_itself(ada, ben, make_resource, rule: Rule):
    granted, own = make_resource(Kind.ACTOR, ben, name="finder"), make_resource(Kind.ACTOR, ada, name="mine")
    build, run_of_it = make_resource(Kind.BUILD, ben, actor=granted), make_resource(Kind.RUN, ben, actor=granted)
    dataset, on_issue = make_resource(Kind.DATASET, ben, run=run_of_it), make_resource(Kind.RUN, ben, actor=own)
    for resource in (granted, run_of_it):
        give(resource, ada)
    for title in ("Prices missing", "Too slow"):
        issue = Issue.objects.create(actor_id=own.pk, author=ben, title=title)
        issues.attach_run(issue, Run.objects.get(pk=on_issue.pk), by=ben.principal)
    expected = {
        Reason.OWNER: [own],
        Reason.GRANT: [granted, run_of_it],
        Reason.ACTOR_GRANT: [build],
        Reason.ISSUE: [on_issue],
        Reason.RUN: [dataset],
    }
    found = run(rule.statement, ada)
    assert sorted(id_ for id_, _, _ in found) == sorted(each.pk for each in expected[rule.reason])
    assert {rank for _, rank, _ in found} == {RANKS[rule.reason]}
    if rule.alone:
        assert sorted(run(rule.alone, ada)) == sorted(found)


@pytest.mark.django_db
def test_own_runs_can_be_found_and_counted_by_themselves(ada, make_resource):
    made = make_resource(Kind.RUN, ada)
    assert [id_ for id_, _, _ in run(OWN_BY_STATUS.statement, ada)] == [made.pk]
    assert run(OWN_RUN_COUNT, ada) == [(1,)]


@pytest.mark.django_db
@pytest.mark.parametrize("rule", PAIRS)
def test_the_pairs_of_a_rule_can_be_found_and_counted_by_themselves(ada, ben, make_resource, rule):
    ada.share_runs_with_actor_creators = True
    ada.save()
    of_ben = make_resource(Kind.ACTOR, ben, name="finder", is_public=True)
    of_ada = make_resource(Kind.ACTOR, ada, name="private")
    task = make_resource(Kind.TASK, ada, name="daily", actor=of_ben)
    for parent in (of_ada, task):
        give(parent, ben, "VIEW_OWNER_RUNS")
    make_resource(Kind.RUN, ada, actor=of_ben, task=task)
    make_resource(Kind.RUN, ada, actor=of_ada)
    parents = {"CREATOR_RUNS by actor": of_ben, "OWNER_RUNS by actor": of_ada, "OWNER_RUNS by task": task}
    assert run(PAIRS[rule].statement, ben) == [(parents[rule].pk, ada.pk)]
    assert run(PAIRS[rule].run_count, ben) == [(1,)]
    assert run(WIDELY_SHARED_ACTORS, ben) == [(of_ben.pk, None)]


def test_both_databases_have_the_same_statements_with_the_same_slots():
    assert slots(sqlite) == slots(postgresql)
    assert len(slots(sqlite)) >= 2


def test_a_part_is_indented_as_its_line_and_conditions_as_the_where():
    statement = "SELECT 1\nFROM (\n    {part}\n) p\nWHERE {is_so}"
    filled = fill(statement, part=narrow("SELECT 2\nWHERE a", ["b", "EXISTS (\n    SELECT 3\n)"]), is_so="c")
    assert filled == (
        "SELECT 1\nFROM (\n    SELECT 2\n    WHERE a\n      AND b\n      AND EXISTS (\n          SELECT 3\n      )\n"
        ") p\nWHERE c"
    )


@pytest.mark.parametrize("statement", [page(EVERYTHING, newest_first=True), total(EVERYTHING, is_capped=True)])
def test_a_statement_is_laid_out_as_it_is_nested(statement):
    """A parenthesis that is left open at the end of a line is closed by one that begins a line, as deeply indented."""
    open_: list[int] = []
    for line in statement.sql.split("\n"):
        margin = len(line) - len(line.lstrip())
        if line.lstrip().startswith(")"):
            assert open_.pop() == margin, line
        if line.endswith("("):
            open_.append(margin)
        assert len(line) <= 140, line
    assert open_ == []


@pytest.mark.skipif(connection.vendor == "postgresql", reason="It reads so few rows from the table itself.")
@pytest.mark.django_db
def test_what_lists_read_alone_is_in_the_index_with_the_ends(ada):
    """Such a list looks at no row of a grant, whether or not it has ended."""
    for rule in SHARED:
        if rule.alone:
            for kind in ([], ["g.resource_kind = 'dataset'"]):
                statement = narrow(rule.alone, kind).replace("%(me)s", "%s").replace("%(now)s", "%s")
                assert "COVERING INDEX" in explain(statement, [ada.pk, bound_moment()])
