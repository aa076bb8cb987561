"""The worlds of the design of principals with their answers: every check and every list must come out as written.

`principal_cases.json` is the design's own list of cases.
"""

import json
from pathlib import Path

import pytest
from django.utils import timezone

from sharing.facts import fetch
from sharing.lists import count_listed
from tests.support.principal_worlds import build
from tests.support.worlds import remembering

CASES = json.loads((Path(__file__).parent / "principal_cases.json").read_text())["worlds"]


def test_there_are_as_many_cases_as_the_design_says():
    assert len(CASES) == 24
    assert sum(len(world["checks"]) for world in CASES) == 47_139


@pytest.mark.django_db
@pytest.mark.parametrize("number", range(len(CASES)))
def test_world(number, monkeypatch):
    moment = timezone.now()  # for some grants end a millisecond after the world is built
    monkeypatch.setattr(timezone, "now", lambda: moment)
    description = CASES[number]
    world = build(description)
    monkeypatch.setattr("tests.support.worlds.fetch", remembering(fetch))
    wrong = [
        (check, decision)
        for check in description["checks"]
        if (decision := world.decide(*check[:4]))
        and [decision.allowed, decision.reason, decision.held_back_by] != check[4:]
    ]
    assert not wrong
    for who, names in description["listed"].items():
        assert sorted(world.world.name_of(row.id) for row in world.listed(who)) == sorted(names), who
        assert count_listed(world.principals[who]) == len(names)
