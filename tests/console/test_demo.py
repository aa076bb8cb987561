"""The demo: loaded once, whole or not at all, real, and of each sort."""

import io

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import mail
from django.core.management import CommandError, call_command

from accounts.models import Account, AccountGeneralAccess, AuditEvent
from accounts.published_password import DEMO_LOADED, PUBLISHED_PASSWORD
from console.demo import items, loading
from console.demo.world import PEOPLE
from console.pages.key_value_stores.preview import Form, build_preview
from resources.kinds import KINDS, Kind
from resources.models import Actor, Dataset, GeneralAccess, KeyValueStore, RequestQueue, Resource, Run, Task
from resources.records.reading import open_record
from resources.request_queues import reading
from resources.request_queues.reading import State
from sharing.lists import Ownership, listed
from sharing.models import Grant, Issue
from sharing.permissions import Permission, grantable

pytestmark = pytest.mark.django_db


def test_refuses_a_database_where_a_name_is_taken_and_leaves_nothing_behind(make_account):
    make_account("cleo")
    with pytest.raises(CommandError, match="some are taken"):
        call_command("load_demo")
    assert list(Account.objects.values_list("username", flat=True)) == ["cleo"]
    assert not Resource.objects.exists()
    assert not loading.was_loaded()


def test_is_not_loaded_twice():
    loading.load(local=True)
    before = Resource.objects.count()
    with pytest.raises(CommandError, match="loaded before"):
        call_command("load_demo")
    assert Resource.objects.count() == before


def test_a_second_start_adds_nothing_of_what_was_deleted():
    loading.load_at_first_start(local=True)
    Dataset.objects.get(name="time-zones").delete()
    Account.objects.get(username="cleo").delete()
    people = loading.load_at_first_start(local=True)
    assert [person.username for person in people] == ["ada", "ben", "dan"]
    assert not Dataset.objects.filter(name="time-zones").exists()
    Account.objects.all().delete()
    assert loading.load_at_first_start(local=True) == []
    assert not Account.objects.exists()


def test_a_database_in_use_gets_no_demo(ada):
    assert loading.load_at_first_start(local=True) == []
    assert list(Account.objects.all()) == [ada]


def test_the_known_password_is_used_on_this_machine_only():
    people = loading.load(local=False)
    passwords = {person.password for person in people}
    assert passwords.isdisjoint({None, PUBLISHED_PASSWORD})
    assert all(Account.objects.get(username=each.username).check_password(each.password) for each in people)
    assert {person.password for person in loading.people_present()} == {None}


@pytest.mark.parametrize("exposure", ["on_loopback", "exposed"])
def test_its_people_sign_in_with_the_printed_passwords(exposure, request, client):
    request.getfixturevalue(exposure)
    printed = io.StringIO()
    call_command("load_demo", stdout=printed)
    for line, person in zip(printed.getvalue().splitlines(), PEOPLE, strict=True):
        username, password, *_ = line.split()
        assert username == person.username
        assert client.login(username=username, password=password)
        assert EmailAddress.objects.get(user__username=username).verified


def test_it_writes_to_nobody_and_leaves_e_mails_on(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        loading.load(local=True)
    assert mail.outbox == []
    assert all(Account.objects.values_list("notify_when_shared", flat=True))


def test_it_has_every_kind_every_level_and_every_permission():
    loading.load(local=True)
    assert set(Resource.objects.values_list("kind", flat=True)) == {kind.value for kind in Kind}
    assert set(Resource.objects.values_list("general_access", flat=True)) == set(GeneralAccess.values)
    assert set(Account.objects.values_list("general_access", flat=True)) == set(AccountGeneralAccess.values)
    granted = Permission(0)
    for permissions in Grant.objects.values_list("permissions", flat=True):
        granted |= Permission(permissions)
    assert granted == grantable(Kind.ACTOR)
    assert set(Grant.objects.values_list("resource_kind", flat=True)) == {kind.value for kind in KINDS}


def test_everybody_has_something_shared_with_them():
    loading.load(local=True)
    reasons = set()
    for account in Account.objects.all():
        rows = listed(account.principal, ownership=Ownership.SHARED)
        assert rows, account
        reasons |= {row.reason for row in rows}
    assert reasons == {"GRANT", "ACTOR_GRANT", "ISSUE", "OWNER_RUNS", "CREATOR_RUNS", "RUN"}
    assert Issue.objects.get().run is not None


def test_a_few_hundred_items_all_readable():
    loading.load(local=True)
    counts = Dataset.objects.filter(run=None, item_count__gt=0).values_list("item_count", flat=True)
    assert sum(counts) > 500
    assert Dataset.objects.get(name="time-zones").item_count == len(items.time_zones())


def test_records_of_every_form_and_requests_in_every_state():
    loading.load(local=True)
    store = KeyValueStore.objects.get(name="reports")
    records = {record.key: record for record in store.records.all()}
    assert {build_preview(record).form for record in records.values()} == {Form.JSON, Form.TEXT, Form.IMAGE}
    with open_record(records["map.png"]) as image:
        assert image.read().startswith(b"\x89PNG")
    queue = RequestQueue.objects.get(name="pages-to-visit")
    for state in State:
        assert reading.page(queue.pk, 10, states={state}).requests
    assert (queue.total_count, queue.handled_count) == (6, 2)


def test_actors_and_tasks_know_their_runs_those_of_the_past_too():
    loading.load(local=True)
    for model, field in ((Actor, "actor_id"), (Task, "task_id")):
        assert model.objects.exists()
        for each in model.objects.all():
            runs = Run.objects.filter(**{field: each.pk})
            assert each.run_count == runs.count() > 0, each
            assert each.last_run_at == runs.latest("started_at").started_at, each


def test_nothing_is_from_the_future():
    loading.load(local=True)
    loaded_at = AuditEvent.objects.get(action=DEMO_LOADED).at
    assert Resource.objects.latest("created_at").created_at < loaded_at


def test_the_data_is_right_where_it_is_known():
    zones = {zone["timeZone"]: zone for zone in items.time_zones()}
    assert (zones["Europe/Prague"]["latitude"], zones["Europe/Prague"]["longitude"]) == (50.08333, 14.43333)
    assert {"code": "SK", "name": "Slovakia"} in zones["Europe/Prague"]["countries"]
    assert zones["America/Argentina/Ushuaia"]["latitude"] == -54.8
    assert zones["America/Argentina/Ushuaia"]["city"] == "Ushuaia"
    assert all(-90 <= zone["latitude"] <= 90 and -180 <= zone["longitude"] <= 180 for zone in zones.values())
    assert len(items.countries()) == 249
    euro = next(sign for sign in items.currency_signs() if sign["character"] == "€")
    assert (euro["codePoint"], euro["name"]) == ("U+20AC", "EURO SIGN")
    assert {status["code"] for status in items.status_codes()} >= {200, 404, 503}


def test_the_data_comes_from_files_that_say_that_they_are_free():
    for name in ("zone1970.tab", "iso3166.tab"):
        text = (settings.BASE_DIR / "console" / "demo" / name).read_text(encoding="utf-8")
        assert "This file is in the public domain" in text
