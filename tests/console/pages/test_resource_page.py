"""What the pages of all resources have in common: what they refuse, and how one comes to see what they show."""

import re

import pytest

from resources.kinds import KINDS, Kind


@pytest.fixture
def restricted_ada(ada):
    ada.general_access = "RESTRICTED"
    ada.save()
    return ada


# Refusals


@pytest.mark.parametrize("kind", Kind)
def test_who_may_not_read_it_finds_nothing(kind, restricted_ada, ben, make_resource, signed_in, client):
    resource = make_resource(kind, restricted_ada, name="secret-thing")
    for path in (resource.console_path, f"/{KINDS[kind].console_path}/ada~secret-thing"):
        response = signed_in(ben).get(path)
        assert response.status_code == 404
        assert client.get(path)["Location"] == f"/sign-in?next={path}"
    assert "secret-thing" not in signed_in(ben).get(resource.console_path).content.decode()


@pytest.mark.parametrize("address", ["x", "%00", "ada~", "~", "ada~%00", "a" * 300, "0" * 17 + "x"])
def test_a_strange_address_finds_nothing(address, ada, signed_in):
    assert signed_in(ada).get(f"/tasks/{address}").status_code == 404


def test_another_kinds_address_finds_nothing(ada, make_resource, signed_in):
    task = make_resource(Kind.TASK, ada)
    assert signed_in(ada).get(f"/schedules/{task.pk}").status_code == 404


def test_it_only_shows(ada, make_resource, signed_in):
    assert signed_in(ada).post(make_resource(Kind.TASK, ada).console_path).status_code == 405


# What works


def test_a_run_leads_to_its_actor_and_its_storages_and_they_lead_back(ada, make_resource, signed_in):
    actor = make_resource(Kind.ACTOR, ada, name="crawler")
    task = make_resource(Kind.TASK, ada, actor=actor)
    run = make_resource(Kind.RUN, ada, actor=actor, task=task)
    storages = [make_resource(kind, ada, run=run) for kind in Kind if KINDS[kind].storage]
    client = signed_in(ada)
    shown = "".join(client.get(f"{run.console_path}{tab}").content.decode() for tab in ("", "?tab=storage"))
    paths = {each.console_path for each in (actor, task, *storages)}
    assert paths <= set(re.findall(r'href="([^"]+)"', shown))
    assert {client.get(path).status_code for path in paths} == {200}
    assert run.console_path in client.get(storages[1].console_path).content.decode()


@pytest.mark.parametrize("kind", Kind)
def test_what_is_above_it_is_called_as_in_the_navigation(kind, ada, make_resource, signed_in):
    actor = make_resource(Kind.ACTOR, ada, name="crawler")
    resource = actor if kind is Kind.ACTOR else make_resource(kind, ada, actor=actor)
    shown = signed_in(ada).get(resource.console_path).content.decode()
    navigation, crumbs = (links_in(shown, label) for label in ("Main", "Breadcrumbs"))
    known = crumbs.keys() & navigation.keys()
    assert known
    assert {path: crumbs[path] for path in known} == {path: navigation[path] for path in known}


def links_in(page: str, label: str) -> dict[str, str]:
    """What the links of a part of the navigation are called, by where they lead."""
    (part,) = re.findall(rf'<nav [^>]*aria-label="{label}".*?</nav>', page, re.DOTALL)
    links = re.findall(r'<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', part, re.DOTALL)
    return {path: re.sub(r"<[^>]+>", "", text).strip() for path, text in links}


def test_it_says_how_one_may_read_it(restricted_ada, ben, make_resource, give, signed_in):
    actor = make_resource(Kind.ACTOR, restricted_ada, name="crawler")
    give(actor, ben, "VIEW_OWNER_RUNS")
    run = make_resource(Kind.RUN, restricted_ada, actor=actor)
    store = make_resource(Kind.KEY_VALUE_STORE, restricted_ada, run=run)
    client = signed_in(ben)
    shared = "because ada shared their runs of the Actor crawler"
    assert shared in client.get(run.console_path).content.decode()
    assert f"via the run {run.pk}, {shared}" in client.get(store.console_path).content.decode()


def test_it_says_in_a_whole_sentence_what_one_may_do_and_why(ada, ben, make_resource, give, signed_in):
    actor = make_resource(Kind.ACTOR, ada, name="crawler")
    give(actor, ben, "RUN", "BUILD", "VIEW_OWNER_RUNS")
    shown = signed_in(ben).get(actor.console_path).content.decode()
    assert "Your access: read, run, build and view the owner&#x27;s runs, because it was shared with you." in shown
    assert "Your access" not in signed_in(ada).get(actor.console_path).content.decode()
