"""Tests whose programs are missing are skipped on a developer's machine, and fail in CI."""

import re
from pathlib import Path

import pytest

from tests.support import machine

TESTS = Path(__file__).parent
# Why a test is skipped other than by tests/support/machine.py: for what no CI can install.
OTHER_REASONS = {
    "accounts/lib/test_prepared_selects.py": "the database",
    "console/test_backup.py": "the database",
    "accounts/lib/test_postgresql.py": "the database",
    "console/server/test_database_faults.py": "the database",
    "console/server/test_full_disk.py": "the rights of the user, and the database",
    "console/server/test_nothing_held.py": "a Python package of the lock file",
    "access/test_fresh_access.py": "a Python package of the lock file",
    "sharing/test_grants.py": "the database",
    "sharing/test_list_sql.py": "the database",
    "console/http/test_health.py": "a Python package of the lock file",
    "support/killable_server.py": "a Python package of the lock file",
    "access/test_lists.py": "the database",
    "resources/sandbox/test_disk_limit.py": "nothing to test",
    "resources/test_start_checks.py": "the database",
    "resources/runs/test_logs.py": "the database",
    "resources/worker/test_leases.py": "the database",
    "resources/worker/test_turns.py": "the database",
    "resources/sandbox/test_network.py": "the names of the machine",
    "resources/sandbox/test_seccomp.py": "the architecture, and its headers",
}


def outcome(names: tuple[str, ...]) -> str:
    try:
        machine.check_programs(*names)
    except pytest.skip.Exception:
        return "skipped"
    except pytest.fail.Exception:
        return "failed"
    return "run"


@pytest.mark.parametrize(("ci", "expected"), [("true", "failed"), ("", "skipped")])
def test_a_missing_program_fails_in_ci_and_skips_elsewhere(monkeypatch, ci, expected):
    monkeypatch.setenv("CI", ci)
    assert outcome(("sh", "no-such-program")) == expected
    assert outcome(("sh",)) == "run"


def test_nothing_else_is_skipped_for_what_is_not_installed():
    skipping = re.compile(r"pytest\.skip\(|skipif\(|importorskip\(|unittest\.skip")
    found = {str(path.relative_to(TESTS)) for path in TESTS.rglob("*.py") if skipping.search(path.read_text())}
    assert found - {"support/machine.py", "test_machine.py"} == set(OTHER_REASONS)


@pytest.mark.parametrize("name", ["resources/sandbox/test_network.py", "resources/sandbox/test_seccomp.py"])
def test_those_with_other_reasons_skip_for_no_program(name):
    lines = [line for line in (TESTS / name).read_text().splitlines() if "skip" in line]
    assert not [line for line in lines if "which" in line or "is not installed" in line]
