"""A database that is away or a full disk is no bug: API and pages say so, and are well again when it is."""

import errno
import os

import pytest
from django.db import InterfaceError, OperationalError, ProgrammingError, connection
from django.test import Client

from resources.kinds import Kind

pytestmark = pytest.mark.django_db
AWAY = OperationalError("connection failed: server closed the connection unexpectedly")


@pytest.fixture
def broken():
    """Return a context in which each statement raises an error."""

    def breaking(error):
        def refuse(execute, sql, params, many, context):
            raise error

        return connection.execute_wrapper(refuse)

    return breaking


@pytest.mark.parametrize("error", [AWAY, InterfaceError("connection already closed")])
def test_a_database_that_is_away_is_a_503_on_the_api(api, ada, broken, error):
    client = api(ada)
    with broken(error):
        response = client.get("/v2/datasets")
    assert response.status_code == 503
    assert response.json()["error"]["type"] == "service-unavailable"
    assert response.headers["Retry-After"] == "2"
    assert client.get("/v2/datasets").status_code == 200


def test_a_database_that_is_away_is_a_503_on_pages(ada, signed_in, broken):
    client = signed_in(ada)
    client.raise_request_exception = False
    with broken(AWAY):
        response = client.get("/settings")
        stranger = Client(raise_request_exception=False).get("/sign-in")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "2"
    assert b"does not answer" in response.content
    assert stranger.status_code in (200, 503)
    assert client.get("/settings").status_code == 200


def test_a_wrong_statement_stays_a_bug(api, ada, broken):
    client = api(ada)
    with broken(ProgrammingError("no such column")), pytest.raises(ProgrammingError):
        client.get("/v2/datasets")  # Django's client raises what is a 500 elsewhere


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_a_507_and_changes_nothing(api, ada, make_resource, monkeypatch, number):
    store = make_resource(Kind.KEY_VALUE_STORE, ada)
    client, path = api(ada), f"/v2/key-value-stores/{store.pk}/records/a"
    assert client.put(path, b"old", content_type="text/plain").status_code == 201

    def full(*args):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr("resources.records.directory.os.fsync", full)
        response = client.put(path, b"new", content_type="text/plain")
        assert response.status_code == 507
        assert response.json()["error"]["type"] == "insufficient-storage"
        assert client.get(path).content == b"old"
        assert client.delete(path).status_code == 204
    assert client.put(path, b"new", content_type="text/plain").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_what_waits_too_long_for_another_transaction_is_a_503_and_changes_nothing(api, ada):
    client = api(ada)
    is_sqlite = connection.vendor == "sqlite"
    other = connection.copy()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 100" if is_sqlite else "SET lock_timeout = '100ms'")
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE" if is_sqlite else "BEGIN")
            if not is_sqlite:
                cursor.execute("LOCK TABLE resources_resource")
            response = client.post("/v2/datasets?name=prices")
            cursor.execute("ROLLBACK")
    finally:
        other.close()
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 20000" if is_sqlite else "RESET lock_timeout")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    assert client.get("/v2/datasets").json()["data"]["total"] == 0
