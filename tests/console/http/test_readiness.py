"""What /livez and /readyz say, and that they say nothing to strangers that is not theirs."""

import os

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

from accounts.deployment import exposure
from accounts.lib import disk_space
from accounts.models import DeploymentFact, ListeningAddress
from console import readiness
from resources.records import files
from resources.records.directory import RecordDirectory

pytestmark = pytest.mark.django_db
NAMES = {"database", "migrations", "host", "worker", "records", "space"}


@pytest.fixture(autouse=True)
def _nothing_is_remembered():
    readiness.forget()
    yield
    readiness.forget()


@pytest.fixture
def worker():
    exposure.record_listening([exposure.WORKER], os.getpid())


def readyz(client):
    readiness.forget()
    response = client.get("/readyz")
    checks = response.json()["checks"]
    assert set(checks) == NAMES
    assert (response.status_code == 200) == all(check["ok"] for check in checks.values())
    assert os.uname().nodename not in response.text
    return response, {name: check["why"] for name, check in checks.items() if not check["ok"]}


def test_where_all_is_well_it_is_a_200(client, worker):
    response, wrong = readyz(client)
    assert (response.status_code, wrong) == (200, {})
    assert "Retry-After" not in response.headers


def test_without_a_worker_it_says_that_emails_wait(client, worker):
    ListeningAddress.objects.all().delete()
    response, wrong = readyz(client)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    assert wrong == {"worker": "No worker is alive: emails, runs, builds, schedules and webhooks wait for one."}


def test_a_worker_that_was_killed_does_not_count(client, worker):
    ListeningAddress.objects.update(process_id=2**22 + 1)  # above what Linux gives
    assert "worker" in readyz(client)[1]


def test_a_database_that_is_away_is_said_and_what_it_knows_is_not_known(client, worker):
    def refuse(execute, sql, params, many, context):
        raise OperationalError("connection to 10.0.0.5 failed for user latchkey")

    with connection.execute_wrapper(refuse):
        response, wrong = readyz(client)
    assert set(wrong) == {"database", "migrations", "host", "worker"}
    assert "10.0.0.5" not in response.text


def test_migrations_that_are_missing_are_said(client, worker):
    MigrationRecorder.Migration.objects.filter(app="resources").order_by("-name").first().delete()
    assert readyz(client)[1] == {"migrations": "Migrations are not applied (1): run manage.py migrate."}


def test_a_host_that_does_not_fit_is_said_and_no_other_is_named(client, worker):
    DeploymentFact.objects.update_or_create(name="secret", defaults={"value": "another", "machine": "web-17.intranet"})
    response, wrong = readyz(client)
    assert set(wrong) == {"host"}
    assert "web-17" not in response.text


def test_a_bucket_that_is_away_is_said(client, worker, monkeypatch):
    def fail(self):
        raise files.StorageAway

    monkeypatch.setattr(RecordDirectory, "check", fail)
    assert readyz(client)[1] == {"records": "The bucket does not answer."}


def test_a_disk_is_said_to_be_full_before_it_is(client, worker, monkeypatch, settings):
    settings.DISK_RESERVE_MBYTES = 100
    for megabytes, says in ((201, None), (199, "nearly full"), (99, "is full")):
        monkeypatch.setattr(disk_space, "_sizes", lambda directory, free=megabytes: (10**12, free * 1024 * 1024))
        wrong = readyz(client)[1]
        assert set(wrong) == ({"space"} if says else set())
        assert says is None or says in wrong["space"]


def test_of_many_that_ask_at_once_one_is_looked_for(client, worker, django_assert_num_queries):
    readyz(client)
    with django_assert_num_queries(0):
        assert client.get("/readyz").status_code == 200


def test_that_the_process_answers_asks_for_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/livez", REMOTE_ADDR="192.0.2.7")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
