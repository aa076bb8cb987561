"""What is waited for, and what is tried again, on connections to a PostgreSQL that can fail."""

import os
import time

import pytest
from django.db import OperationalError, transaction
from django.db.utils import ConnectionHandler

from accounts.lib.database_errors import is_unavailable
from accounts.lib.postgresql.limits import LIMITS
from console import settings as deployed
from tests.support.faulty_proxy import faulty_database

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not os.environ.get("DATABASE_URL"), reason="the database"),
]


@pytest.fixture
def stage(monkeypatch):
    """Give a proxy, and a connection that leads through it, of a process that serves requests."""
    for name, seconds in {"patience": 0.6, "asking": 1.5, "lock": 1, "statement": 0}.items():
        monkeypatch.setattr(LIMITS, name, seconds)
    with faulty_database(os.environ["DATABASE_URL"]) as (proxy, url):
        monkeypatch.setenv("DATABASE_URL", url)
        handler = ConnectionHandler({"default": {}, "faulty": deployed._database()})
        connection = handler["faulty"]
        monkeypatch.setattr(transaction, "get_connection", lambda using=None: connection)
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS faulty_counts (value int)")
            cursor.execute("DELETE FROM faulty_counts")
        connection.close()
        try:
            yield proxy, connection
        finally:
            proxy.heal()
            connection.close()
            connection.close_pool()


def run(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else None


def test_a_statement_that_takes_long_is_waited_for(stage):
    _, connection = stage
    assert run(connection, "SELECT 1 FROM pg_sleep(2.5)") == [(1,)]


def test_a_statement_that_is_swallowed_ends_and_the_next_one_is_refused_at_once(stage):
    proxy, connection = stage
    run(connection, "SELECT 1")
    proxy.swallow()
    begun_at = time.monotonic()
    with pytest.raises(OperationalError, match="cannot be reached"):
        run(connection, "SELECT 2")
    assert time.monotonic() - begun_at < 4
    connection.close()
    begun_at = time.monotonic()
    with pytest.raises(OperationalError, match="cannot be reached"):
        run(connection, "SELECT 3")
    assert time.monotonic() - begun_at < 0.5


@pytest.mark.parametrize("fault", ["cut", "forget"])
def test_the_first_statement_is_tried_again(stage, fault):
    proxy, connection = stage
    getattr(proxy, fault)()
    assert run(connection, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("fault", ["cut", "forget"])
def test_the_first_statement_of_a_transaction_is_tried_again_with_what_waits_for_the_commit(stage, fault):
    proxy, connection = stage
    getattr(proxy, fault)()
    done = []
    with transaction.atomic():
        transaction.on_commit(lambda: done.append(1))
        run(connection, "INSERT INTO faulty_counts VALUES (1)")
        run(connection, "INSERT INTO faulty_counts VALUES (2)")
    assert done == [1]
    assert run(connection, "SELECT sum(value) FROM faulty_counts") == [(3,)]


def test_a_change_outside_of_a_transaction_is_not_tried_again(stage):
    proxy, connection = stage
    proxy.cut()
    with pytest.raises(OperationalError):
        run(connection, "INSERT INTO faulty_counts VALUES (1)")
    connection.close()
    assert run(connection, "SELECT count(*) FROM faulty_counts") == [(0,)]


def test_a_transaction_that_has_done_something_is_not_gone_on_with(stage):
    proxy, connection = stage

    def change():
        with transaction.atomic():
            run(connection, "INSERT INTO faulty_counts VALUES (1)")
            proxy.cut()
            run(connection, "INSERT INTO faulty_counts VALUES (2)")

    with pytest.raises(OperationalError):
        change()
    connection.close()
    assert run(connection, "SELECT count(*) FROM faulty_counts") == [(0,)]


def test_a_transaction_in_a_database_that_is_away_fails_and_the_next_one_is_well(stage):
    proxy, connection = stage
    proxy.refuse()
    with pytest.raises(OperationalError), transaction.atomic():
        run(connection, "INSERT INTO faulty_counts VALUES (1)")
    proxy.heal()
    until = time.monotonic() + 20
    while True:
        try:
            with transaction.atomic():
                run(connection, "INSERT INTO faulty_counts VALUES (2)")
            break
        except OperationalError:
            connection.close()
            assert time.monotonic() < until
    assert run(connection, "SELECT value FROM faulty_counts") == [(2,)]


def test_what_another_transaction_holds_is_waited_for_so_long_and_then_it_is_busy(stage):
    _, connection = stage
    other = connection.copy()
    with transaction.atomic():
        run(connection, "LOCK TABLE faulty_counts")
        with pytest.raises(OperationalError) as caught:
            run(other, "SELECT * FROM faulty_counts")
    other.close()
    assert is_unavailable(caught.value)
