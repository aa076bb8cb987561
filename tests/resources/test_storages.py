"""The life of a storage: what cannot be, then making, naming and deleting, each with its line in the audit trail."""

import errno

import pytest
from django.db import IntegrityError
from django.db.models import QuerySet

from accounts.models import AuditEvent
from resources import storages
from resources.edit_locked import NameTaken, ResourceGone
from resources.kinds import STORAGES, Kind
from resources.models import MODELS, Dataset, GeneralAccess, Resource, Run

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "a_b", "é", "a\x00", "a\n", "x" * 64, "a~b", "../a"])
def test_what_no_storage_can_be_called_changes_nothing(ada, make_resource, name):
    dataset = make_resource(Kind.DATASET, ada, name="prices")

    with pytest.raises(storages.InvalidName, match="letters, digits and dashes"):
        storages.rename(dataset, name, by=ada.principal)
    with pytest.raises(storages.InvalidName):
        storages.create(Dataset, ada.pk, by=ada.principal, name=name)

    assert list(Resource.objects.values_list("name", flat=True)) == ["prices"]
    assert not AuditEvent.objects.exists()


def test_a_name_is_taken_for_one_owner_and_one_kind(ada, ben, make_resource):
    make_resource(Kind.DATASET, ada, name="prices")
    other = make_resource(Kind.DATASET, ada)
    queue = make_resource(Kind.REQUEST_QUEUE, ada)
    bens = make_resource(Kind.DATASET, ben)

    with pytest.raises(NameTaken, match='"prices"'):
        storages.rename(other, "prices", by=ada.principal)

    other.refresh_from_db()
    assert other.name is None
    assert not AuditEvent.objects.exists()
    assert storages.rename(queue, "prices", by=ada.principal)
    assert storages.rename(bens, "prices", by=ben.principal)


def test_nobody_makes_a_storage_for_somebody_else(ada, ben):
    with pytest.raises(ValueError, match="cannot make"):
        storages.create(Dataset, ada.pk, by=ben.principal)
    with pytest.raises(ValueError, match="cannot make"):
        storages.create(Run, ada.pk, by=ada.principal)


@pytest.mark.parametrize("kind", STORAGES)
def test_creating_by_name_gives_what_is_there(ada, kind):
    first, is_new = storages.create(MODELS[kind], ada.pk, by=ada.principal, name="prices")
    again, is_new_again = storages.create(MODELS[kind], ada.pk, by=ada.principal, name="prices")

    assert (is_new, is_new_again) == (True, False)
    assert again == first
    assert first.kind == kind
    assert first.general_access == GeneralAccess.FOLLOW_USER_SETTING


def test_on_a_full_disk_a_storage_that_is_there_is_opened_and_none_is_made(ada, make_resource, monkeypatch):
    def refuse(size: int = 0) -> None:
        raise OSError(errno.ENOSPC, "full")

    there = make_resource(Kind.DATASET, ada, name="prices")
    monkeypatch.setattr(storages.disk_space, "check_database", refuse)
    assert storages.create(Dataset, ada.pk, by=ada.principal, name="prices") == (there, False)
    for name in ("other", None):
        with pytest.raises(OSError, match="full"):
            storages.create(Dataset, ada.pk, by=ada.principal, name=name)
    assert Dataset.objects.count() == 1


def test_creating_without_a_name_always_makes_a_new_one(ada):
    made = {storages.create(Dataset, ada.pk, by=ada.principal)[0].pk for _ in range(3)}

    assert len(made) == 3


def test_whoever_comes_second_is_given_what_the_first_one_made(ada, make_resource, monkeypatch):
    """The other request commits between the look and the insert."""
    look = QuerySet.get
    first = []

    def look_then_lose_the_race(queryset, *args, **kwargs):
        if not first:
            first.append(make_resource(Kind.DATASET, ada, name="prices"))
            raise queryset.model.DoesNotExist
        return look(queryset, *args, **kwargs)

    monkeypatch.setattr(QuerySet, "get", look_then_lose_the_race)
    found, is_new = storages.create(Dataset, ada.pk, by=ada.principal, name="prices")

    assert not is_new
    assert found.pk == first[0].pk


def test_renaming_is_recorded_and_doing_it_again_is_not(ada, ben, make_resource):
    dataset = make_resource(Kind.DATASET, ada, name="prices")

    assert storages.rename(dataset, "offers", by=ben.principal)
    assert not storages.rename(dataset, "offers", by=ben.principal)

    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.account_id) == ("resource.renamed", ben.pk, ada.pk)
    assert event.details == {"name": "offers", "before": "prices", "after": "offers"}
    assert dataset.name == Resource.objects.get().name == "offers"


def test_taking_the_name_away_never_leaves_a_level_that_needs_one(ada, make_resource):
    level = GeneralAccess.ANYONE_WITH_NAME_CAN_READ
    dataset = make_resource(Kind.DATASET, ada, name="prices", general_access=level)

    storages.rename(dataset, None, by=ada.principal)

    kept = Resource.objects.get()
    assert (kept.name, kept.general_access) == (None, GeneralAccess.ANYONE_WITH_ID_CAN_READ)
    assert dataset.general_access == GeneralAccess.ANYONE_WITH_ID_CAN_READ
    changed = AuditEvent.objects.get(action="general_access.changed")
    assert changed.details["before"] == level
    assert changed.details["after"] == GeneralAccess.ANYONE_WITH_ID_CAN_READ


@pytest.mark.parametrize("level", [GeneralAccess.RESTRICTED, GeneralAccess.FOLLOW_USER_SETTING])
def test_taking_the_name_away_leaves_every_other_level_alone(ada, make_resource, level):
    dataset = make_resource(Kind.DATASET, ada, name="prices", general_access=level)

    storages.rename(dataset, None, by=ada.principal)

    assert Resource.objects.get().general_access == level


def test_what_is_gone_is_said_to_be_gone(ada, make_resource):
    dataset = make_resource(Kind.DATASET, ada)
    assert storages.delete(Resource.objects.get(), by=ada.principal)

    with pytest.raises(ResourceGone):
        storages.rename(dataset, "prices", by=ada.principal)
    assert not storages.delete(dataset, by=ada.principal)

    event = AuditEvent.objects.get()
    assert (event.action, event.subject_id, event.account_id) == ("resource.deleted", dataset.pk, ada.pk)


def test_a_failed_deletion_leaves_everything(ada, make_resource, monkeypatch):
    dataset = make_resource(Kind.DATASET, ada)

    def fail(*args, **kwargs):
        raise IntegrityError("no")

    monkeypatch.setattr("resources.models.Dataset.delete", fail)
    with pytest.raises(IntegrityError):
        storages.delete(dataset, by=ada.principal)

    assert Resource.objects.filter(pk=dataset.pk).exists()
    assert not AuditEvent.objects.exists()
