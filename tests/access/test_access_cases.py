"""The worlds of the access model with their answers: every check and every list must come out as written.

`access_cases.json` is the model's own list of cases.
"""

import json
from pathlib import Path

import pytest

from sharing.facts import fetch
from sharing.lists import Ownership, count_listed
from tests.support.worlds import build, remembering

CASES = json.loads((Path(__file__).parent / "access_cases.json").read_text())["worlds"]


def test_there_are_as_many_cases_as_the_model_says():
    assert len(CASES) == 24
    assert sum(len(world["checks"]) for world in CASES) == 12_630


@pytest.mark.django_db
@pytest.mark.parametrize("number", range(len(CASES)))
def test_world(number, monkeypatch):
    description = CASES[number]
    world = build(description)
    monkeypatch.setattr("tests.support.worlds.fetch", remembering(fetch))
    wrong = [
        (check, decision)
        for check in description["checks"]
        if (decision := world.decide(*check[:4])) and [decision.allowed, decision.reason] != check[4:]
    ]
    assert not wrong
    for who, names in description["listed"].items():
        assert sorted(world.name_of(row.id) for row in world.listed(who)) == sorted(names), who
        assert count_listed(world.accounts[who].principal) == len(names)
        mine, shared = (world.listed(who, ownership) for ownership in (Ownership.MINE, Ownership.SHARED))
        assert len(mine) + len(shared) == len(names)
