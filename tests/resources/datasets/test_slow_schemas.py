"""A schema that takes long holds up its own account, and ends at a deadline."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from resources.datasets.errors import ItemsBreakSchema, SchemaTakesTooMuch
from resources.datasets.validation import check_fields, check_items, holds_items
from resources.datasets.validator import processes
from resources.datasets.validator.processes import Busy
from resources.kinds import Kind
from resources.models import Dataset
from tests.support.api import error_of

DEEP = 29
REFERENCES = {
    "$ref": "#/$defs/d0",
    "$defs": {
        **{f"d{at}": {"anyOf": [{"allOf": [{"$ref": f"#/$defs/d{at + 1}"}]}] * 2} for at in range(DEEP)},
        f"d{DEEP}": {"required": ["missing"]},
    },
}
PATTERNS: dict[str, object] = {"patternProperties": {rf"(\pL{{1,20}}){{1,5}}{at}": {} for at in range(1000)}}
ITEMS = [json.dumps({"list": list(range(300_000))}).encode()]
LONG_LIST = {"properties": {"list": {"items": {"enum": [{"a": at} for at in range(5000)]}}}}
PLAIN = json.dumps({"fields": {"type": "object", "required": ["name"]}})


@pytest.fixture
def pool(monkeypatch):
    """Have processes of the test's own, with short deadlines."""
    pool = processes.Pool()
    monkeypatch.setattr(processes, "pool", lambda: pool)
    monkeypatch.setattr(processes, "COMPILE_SECONDS", 1.0)
    monkeypatch.setattr(processes, "CHECK_SECONDS", 1.0)
    check_items(PLAIN, [b'{"name":1}'], "warm")
    yield pool
    for pid in pool.pids():
        os.kill(pid, signal.SIGKILL)


@contextmanager
def checking(account: str, pool: processes.Pool):
    """Have an item checked for longer than the test takes; give the list that has the error in the end."""
    errors: list[Exception] = []

    def check() -> None:
        try:
            check_items(json.dumps({"fields": REFERENCES}), [b'{"a":1}'], account)
        except Exception as error:
            errors.append(error)

    (idle,) = pool.pids()
    thread = threading.Thread(target=check)
    thread.start()
    while thread.is_alive() and pool.working_pids() != [idle]:
        os.sched_yield()
    try:
        yield errors
    finally:
        os.kill(idle, signal.SIGALRM)  # what the deadline does
        thread.join()


@pytest.mark.parametrize(
    ("schema", "items"),
    [(REFERENCES, [b'{"a":1}']), (PATTERNS, [b'{"a":1}']), (LONG_LIST, ITEMS)],
    ids=["references", "patterns", "a long list"],
)
def test_what_takes_too_long_ends(pool, schema, items):
    with pytest.raises(SchemaTakesTooMuch):
        check_items(json.dumps({"fields": schema}), items, "slow")
    with pytest.raises(ItemsBreakSchema):
        check_items(PLAIN, [b"{}"], "slow")


def test_others_are_checked_meanwhile(pool, monkeypatch):
    monkeypatch.setattr(processes, "COMPILE_SECONDS", 600.0)
    monkeypatch.setattr(processes, "CHECK_SECONDS", 600.0)
    with checking("slow", pool) as errors:
        for account in ("ada", "ben"):
            with pytest.raises(ItemsBreakSchema):
                check_items(PLAIN, [b"{}"], account)
        assert not errors
        monkeypatch.setattr(processes, "WAIT_SECONDS", 0.05)
        with pytest.raises(Busy):  # its own account has one at a time
            check_items(PLAIN, [b"{}"], "slow")
    assert isinstance(errors[0], SchemaTakesTooMuch)


def test_what_takes_too_much_memory_ends(pool, monkeypatch):
    monkeypatch.setattr(processes, "CHECK_SECONDS", 60.0)
    items = [b'{"a":[' + b"[],"[:-1] + b",[]" * 16_000_000 + b"]}"]
    with pytest.raises(SchemaTakesTooMuch):
        check_items(PLAIN, items, "large")
    check_items(PLAIN, [b'{"name":1}'], "large")


def test_a_process_that_was_killed_is_replaced(pool):
    killed = pool.pids()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    check_items(PLAIN, [b'{"name":1}'], "ada")
    assert not set(pool.pids()) & set(killed)


@pytest.mark.parametrize("schema", [REFERENCES, PATTERNS], ids=["references", "patterns"])
def test_the_page_says_that_a_slow_schema_is_enforced_and_compiles_nothing(pool, schema):
    before = pool.pids()
    assert holds_items(json.dumps({"fields": schema}))
    assert pool.pids() == before


def test_it_ends_with_its_parent():
    code = (
        "from resources.datasets.validator import processes; import os;"
        "processes.pool().compile('a', b'{}'); print(*processes.pool().pids(), flush=True); os.kill(os.getpid(), 9)"
    )
    root = Path(__file__).resolve().parents[3]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    started = subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True)
    (pid,) = started.stdout.split()
    try:
        ended = os.pidfd_open(int(pid))
    except ProcessLookupError:
        return
    try:
        assert select.select([ended], [], [], 30)[0]
    finally:
        os.close(ended)


@pytest.mark.django_db
def test_a_push_that_takes_too_long_is_refused(pool, api, ada, make_resource):
    dataset = make_resource(Kind.DATASET, ada, schema=json.dumps({"fields": PATTERNS}))
    response = api(ada).post(f"/v2/datasets/{dataset.pk}/items", '{"a":1}', content_type="application/json")
    assert error_of(response) == (400, "schema-validation-failed")
    assert Dataset.objects.get(pk=dataset.pk).item_count == 0


@pytest.mark.django_db
def test_a_schema_that_takes_too_long_is_not_taken(pool, api, ada):
    response = api(ada).post(
        "/v2/datasets", json.dumps({"schema": {"fields": PATTERNS}}), content_type="application/json"
    )
    assert error_of(response) == (400, "dataset-schema-invalid")


@pytest.mark.django_db
def test_a_push_is_told_to_try_again_while_another_of_its_account_is_checked(
    pool, monkeypatch, api, ada, make_resource
):
    monkeypatch.setattr(processes, "CHECK_SECONDS", 600.0)
    monkeypatch.setattr(processes, "WAIT_SECONDS", 0.05)
    dataset = make_resource(Kind.DATASET, ada, schema=PLAIN)
    with checking(ada.pk, pool):
        response = api(ada).post(f"/v2/datasets/{dataset.pk}/items", '{"name":1}', content_type="application/json")
    assert error_of(response) == (429, "rate-limit-exceeded")


def test_fields_that_compile_are_taken(pool):
    check_fields({"type": "object"}, "ada")


def test_where_no_process_can_be_started_clients_try_again(pool, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise BlockingIOError("no process is left")

    empty = processes.Pool()
    monkeypatch.setattr(processes, "pool", lambda: empty)
    monkeypatch.setattr(processes.subprocess, "Popen", fail)
    with pytest.raises(Busy):
        check_items(PLAIN, [b'{"name":1}'], "ada")
    monkeypatch.undo()
    check_items(PLAIN, [b'{"name":1}'], "ada")
