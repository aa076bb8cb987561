"""Statements on PostgreSQL that go to the driver without a cursor."""

from datetime import UTC, datetime

import psycopg
import pytest
from django.db import DataError, connection, transaction

from accounts.lib.sql import Statement, thread_connection

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="They are for PostgreSQL."),
]
MOMENT = datetime(2026, 8, 1, 12, 30, tzinfo=UTC)
VALUES = Statement("SELECT %s::int, %s::text, %s::timestamptz, %s::bytea, %s::jsonb, NULL, 7 %% 4, %s::text LIKE 'a%%'")
END_OTHERS = """
    SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
GIVEN = [1, "ä", MOMENT, b"\x00\xff", '{"a": 1}', "abc"]


def by_cursor(statement: Statement, parameters: list) -> list[tuple]:
    """Return the rows as Django's cursor does, on which a statement falls back where it is watched."""
    with connection.execute_wrapper(lambda execute, *args: execute(*args)):
        return statement.rows(parameters)


def test_rows_are_those_of_a_cursor():
    assert VALUES.rows(GIVEN) == by_cursor(VALUES, GIVEN)
    with connection.cursor() as cursor:
        cursor.execute(VALUES.sql, GIVEN)
        assert VALUES.row(GIVEN) == cursor.fetchone()


def test_parameters_of_other_types_are_prepared_for_themselves():
    value = Statement("SELECT %s")
    for each in (1, "one", None, 1.5, MOMENT, "two"):
        assert value.rows([each]) == [(each,)]


def test_statements_of_one_connection_read_the_same_types_in_either_form():
    """What reads and writes them stays with the connection."""
    as_text, as_bytes = Statement("SELECT %s::bytea, %s::timestamptz"), Statement("SELECT %s::timestamptz, %s::bytea")
    for _ in range(2):
        assert as_text.row([b"\x00\xff", MOMENT]) == (b"\x00\xff", MOMENT)
        assert as_bytes.rows([MOMENT, b"\x00\xff"]) == [(MOMENT, b"\x00\xff")]
        assert as_text.rows([None, MOMENT]) == [(None, MOMENT)]


def test_what_was_read_is_not_kept_with_the_connection():
    assert len(Statement("SELECT repeat('x', %s)").rows([1_000_000])[0][0]) == 1_000_000
    assert thread_connection().connection.transformer.pgresult is None


def test_no_row_is_none():
    assert Statement("SELECT 1 WHERE %s::int = 2").row([1]) is None


def test_what_the_server_refuses_is_an_error_of_django_and_the_next_statement_runs():
    number = Statement("SELECT %s::text::int")
    with pytest.raises(DataError):
        number.row(["none"])
    assert number.row(["5"]) == (5,)


def test_in_a_transaction_a_statement_sees_what_it_has_written(ada):
    name = Statement("SELECT username FROM accounts_account WHERE id = %s")
    with transaction.atomic():
        type(ada).objects.filter(pk=ada.pk).update(username="eve")
        assert name.row([ada.pk]) == ("eve",)
        transaction.set_rollback(True)
    assert name.row([ada.pk]) == ("ada",)


def test_a_connection_that_died_in_the_pool_costs_no_error():
    process = Statement("SELECT pg_backend_pid()")
    (dead,) = process.row([]) or ()
    own = thread_connection()
    own.close()  # back into the pool
    own.ensure_connection()
    with psycopg.connect(own.connection.info.dsn, password=own.settings_dict["PASSWORD"]) as other:
        other.execute(END_OTHERS)
    (found,) = process.row([]) or ()
    assert found != dead


def test_a_statement_that_was_deallocated_is_prepared_again():
    number = Statement("SELECT %s::int + 1")
    assert number.row([1]) == (2,)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert number.row([2]) == (3,)


def test_a_rollback_costs_no_error(ada):
    number = Statement("SELECT %s::int + 2")
    assert number.row([1]) == (3,)
    with transaction.atomic():
        type(ada).objects.filter(pk=ada.pk).update(username="eve")
        transaction.set_rollback(True)
    assert number.row([2]) == (4,)


def test_a_statement_that_another_process_has_prepared_on_the_connection_is_used():
    """As where a pooler gives several processes the same connection in turn."""
    number = Statement("SELECT %s::int + 3")
    assert number.row([1]) == (4,)
    thread_connection().connection.prepared_names.clear()
    assert number.row([2]) == (5,)
