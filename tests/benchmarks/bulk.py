"""Rows by the million, past the ORM but with the models' own defaults."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from django.db import connection, models, transaction

_BATCH = 20_000


def insert(model: type[models.Model], varying: list[str], rows: Iterable[tuple[Any, ...]], **fixed: Any) -> None:
    """Insert a row for each tuple of the `varying` attributes; the others are `fixed` or the model's defaults."""
    fields = model._meta.local_concrete_fields
    template = model(**fixed)
    prepared = {
        field.attname: field.get_db_prep_save(getattr(template, field.attname), connection)
        for field in fields
        if field.attname not in varying and not isinstance(field, models.AutoField)
    }
    by_name = {field.attname: field for field in fields}
    columns = [by_name[name].column or name for name in [*varying, *prepared]]
    converters = [by_name[name].get_db_prep_save for name in varying]
    rest = tuple(prepared.values())
    complete = (
        (*(convert(value, connection) for convert, value in zip(converters, row, strict=True)), *rest) for row in rows
    )
    _write(model._meta.db_table, columns, complete)


def analyze() -> None:
    """Let PostgreSQL look at what it has now, as it does by itself in time. SQLite never does, nor do we make it."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def empty(*models_: type[models.Model]) -> None:
    """Delete all rows of the models, quickly."""
    with connection.cursor() as cursor:
        for model in models_:
            verb = "TRUNCATE" if connection.vendor == "postgresql" else "DELETE FROM"
            cursor.execute(f"{verb} {model._meta.db_table}")


def _write(table: str, columns: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    names: Mapping[str, str] = {"table": table, "columns": ", ".join(f'"{column}"' for column in columns)}
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy("COPY {table} ({columns}) FROM STDIN".format(**names)) as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table} ({names['columns']}) VALUES ({marks})"
        iterator = iter(rows)
        while batch := list(islice(iterator, _BATCH)):
            connection.connection.executemany(statement, batch)
