"""Migrations of large tables: neither the size of a statement nor the memory that it takes grows with the table."""

from datetime import timedelta
from importlib import import_module

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiToken
from accounts.sign_in.session_store import stored_key
from resources.kinds import Kind
from resources.models import ActorVersion
from sharing.models import Grant
from sharing.signatures import current_fingerprint

pytestmark = pytest.mark.django_db


def as_before(app: str, name: str):
    """Return the module of a migration, and the models as they were before it."""
    loader = MigrationLoader(connection)
    before = loader.graph.node_map[app, name].parents
    return import_module(f"{app}.migrations.{name}"), loader.project_state([each.key for each in before]).apps


def statements(change, *given) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        change(*given)
    return [query["sql"] for query in queries]


def test_grants_repeat_creation_times_for_some_at_once(ada, ben, make_resource):
    store = make_resource(Kind.KEY_VALUE_STORE, ada)
    wrong = timezone.now() - timedelta(days=9)
    Grant.objects.bulk_create(
        Grant(resource=store, account=ben, source="ISSUE", resource_kind=store.kind, resource_created_at=wrong)
        for _ in range(2100)
    )
    migration, apps = as_before("sharing", "0006_grants_repeat_creation_times")
    sent = statements(migration.repeat, apps, None)
    assert max(map(len, sent)) < 8_000
    assert set(Grant.objects.values_list("resource_created_at", flat=True)) == {store.created_at}


def test_sessions_become_digests_many_at_once_and_expired_ones_are_deleted(ada):
    migration, apps = as_before("accounts", "0010_second_factors_and_sessions_at_rest")
    sessions, of_users = apps.get_model("sessions", "Session"), apps.get_model("usersessions", "UserSession")
    later, before = timezone.now() + timedelta(days=1), timezone.now() - timedelta(seconds=1)
    live, expired = [f"{n:032d}" for n in range(0, 900, 2)], [f"{n:032d}" for n in range(1, 601, 2)]
    for keys, at in ((live, later), (expired, before)):
        sessions.objects.bulk_create(sessions(session_key=key, session_data=key, expire_date=at) for key in keys)
        of_users.objects.bulk_create(
            of_users(session_key=key, user_id=ada.pk, ip="127.0.0.1", user_agent=key, data={}) for key in keys
        )
    kept = {key: str(stored_key(key)) for key in live}
    for _ in range(2):  # again it changes nothing
        assert len(statements(migration.close, apps, None)) < 20
        assert dict(Session.objects.values_list("session_data", "session_key")) == kept
        assert dict(UserSession.objects.values_list("user_agent", "session_key")) == kept


def test_what_is_encrypted_at_rest_is_read_some_at_a_time(ada, make_resource):
    actor = make_resource(Kind.ACTOR, ada, name="scraper")
    migration, apps = as_before("resources", "0022_encrypt_at_rest")
    versions = apps.get_model("resources", "ActorVersion").objects
    for n in range(45):
        versions.create(actor_id=actor.pk, number=f"0.{n}", source_url=f"https://user:{n}@example.com/")
    sent = statements(migration.encrypt_all, apps, None)
    assert all("LIMIT" in each for each in sent if each.startswith("SELECT"))
    found = dict(ActorVersion.objects.values_list("number", "source_url"))
    assert found == {f"0.{n}": f"https://user:{n}@example.com/" for n in range(45)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT source_url FROM resources_actorversion")
        assert not any("example.com" in text for (text,) in cursor.fetchall())


def test_tokens_of_runs_are_marked_some_at_a_time(ada, dan, make_resource):
    run_of_dan = make_resource(Kind.RUN, ada, actor=make_resource(Kind.ACTOR, dan, name="his"))
    own = make_resource(Kind.RUN, ada, actor=make_resource(Kind.ACTOR, ada, name="hers"))
    ids = [run_of_dan.pk, own.pk, "x" * 17]
    for n in range(9):
        ApiToken.objects.create(account=ada, name=f"{n}", digest=n.to_bytes(32), hint="x", run_id=ids[n % 3])
    migration, apps = as_before("resources", "0018_tokens_that_started_runs")
    sent = statements(migration.mark_tokens, apps, None)
    assert all("LIMIT" in each for each in sent if each.startswith("SELECT"))
    assert set(ApiToken.objects.values_list("run_id", "run_is_of_other_account")) == {
        (run_of_dan.pk, True),
        (own.pk, False),
        ("x" * 17, True),
    }


def test_keys_that_were_given_get_the_secret_of_now(migrate):
    before = migrate("sharing", "0007_issue_runs")
    ada = before.get_model("accounts", "Account").objects.create(username="ada", email="ada@example.com")
    store = before.get_model("resources", "KeyValueStore").objects.create(owner=ada, kind="keyValueStore")
    before.get_model("sharing", "StorageKey").objects.create(resource_id=store.pk, account=ada)
    after = migrate("sharing", "0008_secrets_of_link_keys")
    assert after.get_model("sharing", "StorageKey").objects.get().secret == current_fingerprint()
