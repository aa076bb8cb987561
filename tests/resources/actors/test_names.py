"""Names of Actors: in any case, found by an index, and made unique where an older version let them differ by case."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.deployment import upgrade_notices
from resources.actors import editing
from resources.actors.fields import ActorChange
from resources.edit_locked import NameTaken
from resources.kinds import Kind
from resources.models import Actor, Resource
from sharing.facts import _WITH_INSTANCE  # the very statement whose plan is looked at
from sharing.grant_ends import bound_moment

BEFORE, AFTER = "0026_run_count", "0027_names_of_actors"


@pytest.mark.parametrize("name", ["abc", "A-b", "My-Scraper2", "0-9", "X" * 63])
def test_a_name_may_have_capitals(ada, name):
    assert editing.create(ada.pk, name, by=ada.principal).name == name


def test_a_name_is_taken_in_every_case(ada, ben, make_resource):
    actor = editing.create(ada.pk, "My-Scraper", by=ada.principal)
    other = editing.create(ada.pk, "other", by=ada.principal)
    for taken in ("My-Scraper", "my-scraper", "MY-SCRAPER"):
        with pytest.raises(NameTaken):
            editing.create(ada.pk, taken, by=ada.principal)
        with pytest.raises(NameTaken):
            editing.update(other, ActorChange(name=taken), by=ada.principal)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_resource(Kind.ACTOR, ada, name="mY-sCRAPER")
    editing.update(actor, ActorChange(name="MY-scraper"), by=ada.principal)
    assert Actor.objects.get(pk=actor.pk).name == "MY-scraper"
    assert editing.create(ben.pk, "my-scraper", by=ben.principal).owner_id == ben.pk
    for kind in (Kind.TASK, Kind.DATASET):  # which keep names that differ by case
        make_resource(kind, ada, name="My-Scraper")
        make_resource(kind, ada, name="my-scraper")


def test_a_name_that_is_too_short_today_stays(ada, make_resource):
    actor = make_resource(Kind.ACTOR, ada, name="ab")
    editing.update(actor, ActorChange(name="ab", title="Short"), by=ada.principal)
    assert (actor.name, actor.title) == ("ab", "Short")


def test_a_free_name_is_free_in_every_case(ada, make_resource):
    make_resource(Kind.ACTOR, ada, name="My-Actor")
    assert editing.create(ada.pk, None, by=ada.principal).name == "my-actor-2"


@pytest.mark.django_db
def test_an_actor_is_found_by_an_index_over_its_name(ada):
    Resource.objects.bulk_create(Resource(owner=ada, kind=Kind.ACTOR, name=f"Actor-{number}") for number in range(2000))
    statement = _WITH_INSTANCE[Kind.ACTOR]
    asked = [ada.pk, bound_moment()] * statement.grant_lookups + ["ada", "actor-7"]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE resources_resource")
        explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{explain} {statement.by_name.sql}", asked)
        plan = "\n".join(" ".join(map(str, row)) for row in cursor.fetchall())
    assert "actor_name_unique" in plan, plan


def test_names_that_differ_by_case_alone_are_told_apart_by_a_number(migrate):
    apps = migrate("resources", BEFORE)
    accounts = [
        apps.get_model("accounts", "Account").objects.create(username=name, email=f"{name}@example.com")
        for name in ("ada", "ben")
    ]
    ada, ben = accounts
    make = apps.get_model("resources", "Actor").objects.create
    ids = [make(owner=ada, kind="actor", name=name).pk for name in ("Prices", "prices", "prices-2", "PRICES", "x")]
    make(owner=ben, kind="actor", name="prices")
    apps.get_model("resources", "Dataset").objects.create(owner=ada, kind="dataset", name="prices")
    apps.get_model("resources", "Dataset").objects.create(owner=ada, kind="dataset", name="Prices")
    migrate("resources", AFTER)
    names = dict(Resource.objects.filter(owner=ada.pk, kind=Kind.ACTOR).values_list("pk", "name"))
    assert [names[each] for each in ids] == ["Prices", "prices-3", "prices-2", "PRICES-4", "x"]
    assert set(Resource.objects.filter(kind=Kind.DATASET).values_list("name", flat=True)) == {"prices", "Prices"}
    (told,) = [each for each in upgrade_notices.unseen(ada.pk) if each.key == "names-of-actors"]
    assert f"PRICES (ID {ids[3]}) is now PRICES-4; prices (ID {ids[1]}) is now prices-3" in upgrade_notices.text(told)
    assert upgrade_notices.unseen(ben.pk) == []
    (said,) = [each for each in upgrade_notices.unseen("") if each.key == "names-of-actors-of-accounts"]
    assert "2 Actors of 1 accounts" in upgrade_notices.text(said)
