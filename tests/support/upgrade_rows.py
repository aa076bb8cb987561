"""A data directory as text, and back: what the test bed of upgrades starts from (`tests/support/upgrade_stage.py`).

A fixture is a directory with three files:

- `tables.jsonl`: first the last migration of each app, then one line for each row: `{"table": ..., "row": {...}}`.
  Bytes are `{"base64": ...}`; moments are text in UTC.
- `records.jsonl`: one line for each file of a record: `{"file": ..., "base64": ...}`.
- `known.json`: what the tests know of the data and cannot read from it, such as the text of a token or a password.

`python -m tests.support.upgrade_rows DATA_DIR FIXTURE` writes one from the SQLite database and the records of a data
directory. `python -m tests.support.upgrade_rows --load FIXTURE` puts one into the empty database and DATA_DIR of the
environment.
"""

import base64
import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Made by migrations and by what follows them, or by triggers.
LEFT_OUT = {"auth_permission", "django_content_type", "django_migrations", "resources_runtally", "sqlite_sequence"}


def dump(data: Path, fixture: Path) -> None:
    """Write the tables and records of a data directory into a new directory."""
    fixture.mkdir()
    database = sqlite3.connect(data / "latchkey.sqlite3")
    with (fixture / "tables.jsonl").open("w") as lines:
        for line in (_migrations(database), *_rows(database)):
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")
    with (fixture / "records.jsonl").open("w") as lines:
        for file in sorted(each for each in (data / "records").rglob("*") if each.is_file()):
            name, text = str(file.relative_to(data / "records")), base64.b64encode(file.read_bytes()).decode()
            lines.write(json.dumps({"file": name, "base64": text}) + "\n")


def _migrations(database: sqlite3.Connection) -> dict[str, Any]:
    rows = database.execute("SELECT app, max(name) FROM django_migrations GROUP BY app ORDER BY app")
    return {"migrations": dict(rows.fetchall())}


def _rows(database: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    for table in (name for name in names if name not in LEFT_OUT):
        columns = database.execute(f'PRAGMA table_info("{table}")').fetchall()
        booleans = {name for _, name, kind, *_ in columns if kind.lower() == "bool"}
        found = database.execute(f'SELECT * FROM "{table}" ORDER BY 1')
        names_of = [each[0] for each in found.description]
        for row in found:
            yield {
                "table": table,
                "row": {name: _text(value, name in booleans) for name, value in zip(names_of, row, strict=True)},
            }


def _text(value: Any, is_boolean: bool) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return bool(value) if is_boolean and value is not None else value


def load(fixture: Path) -> None:
    """Migrate the empty database of the environment to the fixture's migrations, and put the fixture into it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    with (fixture / "tables.jsonl").open() as lines:
        targets = list(json.loads(next(lines))["migrations"].items())
        MigrationExecutor(connection).migrate(targets)
        connection.close()  # what migrations have set for their connection ends
        _insert([json.loads(line) for line in lines])
    records = Path(settings.DATA_DIR) / "records"
    for line in (fixture / "records.jsonl").read_text().splitlines():
        each = json.loads(line)
        path = records / each["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(each["base64"]))


def _insert(lines: list[dict[str, Any]]) -> None:
    from django.db import connection, transaction

    with connection.constraint_checks_disabled(), transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL TIME ZONE 'UTC'")
        for line in lines:
            row = {name: _value(value) for name, value in line["row"].items()}
            names, marks = ", ".join(f'"{name}"' for name in row), ", ".join(["%s"] * len(row))
            cursor.execute(f'INSERT INTO "{line["table"]}" ({names}) VALUES ({marks})', list(row.values()))
        if connection.vendor == "postgresql":
            for table in dict.fromkeys(line["table"] for line in lines):
                for each in connection.introspection.get_sequences(cursor, table):
                    column = each["column"]
                    sequence = f"pg_get_serial_sequence('{table}', '{column}')"
                    cursor.execute(f'SELECT setval({sequence}, max("{column}")) FROM "{table}"')
        connection.check_constraints()


def _value(value: Any) -> Any:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value


if __name__ == "__main__":
    if sys.argv[1] == "--load":
        load(Path(sys.argv[2]))
    else:
        dump(Path(sys.argv[1]), Path(sys.argv[2]))
