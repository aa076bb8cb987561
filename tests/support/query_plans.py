"""How the database goes about what the code asks of it."""

from collections.abc import Callable

from django.db import connection
from django.test.utils import CaptureQueriesContext


def plans_of(look: Callable[[], object], table: str) -> list[str]:
    """Call `look`, and return the plan of each SELECT that it made from a table, as the database tells it."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        look()
    asked = [each["sql"] for each in queries if each["sql"].startswith("SELECT") and f'FROM "{table}"' in each["sql"]]
    return [_plan(sql) for sql in asked]


def _plan(sql: str) -> str:
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}")
        return "\n".join(" ".join(map(str, row)) for row in cursor.fetchall())
