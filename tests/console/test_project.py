"""The project itself: what is pinned, what is documented, what Django thinks of a deployment."""

import ast
import os
import re
import socket
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

ROOT = settings.BASE_DIR
LOCK_FILES = ("requirements.lock", "requirements-dev.lock")
# What other tests or a developer may have set, and a deployment would not.
UNWANTED = ("DATABASE_URL", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "DEBUG", "DJANGO_ALLOW_ASYNC_UNSAFE")
FLOORS = ("accounts", "resources", "sharing", "console")
# Imports that wait: for Django to be set up, or for somebody who has PostgreSQL. None of them is there for a circle.
WAITING = {
    ("manage.py", "main"): {"django.core.management.execute_from_command_line"},
    ("accounts/apps.py", "ready"): {
        "accounts.sign_in.session_store.keep_digests_in",
        "accounts.sign_in_trail",
        "allauth.usersessions.models.UserSession",
    },
    ("resources/apps.py", "ready"): {"resources.records.discarding"},
    ("sharing/apps.py", "ready"): {"sharing.system_checks"},
    ("console/apps.py", "ready"): {"console.deploy_checks", "console.api.webhooks.payloads"},
    ("console/server/gunicorn_config.py", "post_worker_init"): {
        "accounts.deployment.exposure",
        "accounts.lib.postgresql.limits",
        "accounts.published_password",
        "console.server.checked_start",
        "django.db.connections",
        "resources.worker.tasks",
    },
    ("console/backup/databases.py", "_postgresql"): {"psycopg"},
    ("console/backup/databases.py", "_run"): {"psycopg.conninfo.make_conninfo"},
}
# Who imports by a path: what queues jobs for the worker above it, and the worker, what the settings give it to do.
BY_PATH = {"resources/jobs/queue.py", "resources/worker/maintenance.py"}
PINNED = re.compile(r"^([a-z0-9-]+)==([^ \\]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / name).read_text()))


@pytest.mark.parametrize("name", LOCK_FILES)
def test_everything_is_pinned_by_version_and_hash_and_by_nothing_else(name):
    requirements = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
    assert len(requirements) > 10
    for requirement in requirements:
        assert re.fullmatch(r"[a-z0-9-]+==\S+( ; [^#@]+?)?(\s+--hash=sha256:[0-9a-f]{64})+", requirement)
        assert "/" not in requirement


def test_tests_run_with_what_is_served_with():
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()


def test_every_dependency_is_pinned_and_says_why_it_is_there():
    text = (ROOT / "pyproject.toml").read_text()
    for requirement in tomllib.loads(text)["project"]["dependencies"]:
        name = re.split(r"[\[<>=]", requirement)[0]
        assert name in pins("requirements.lock")
        assert re.search(rf'^ +"{re.escape(requirement)}", # \S', text, re.MULTILINE), requirement


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_a_deployment_over_tls_passes_djangos_checks(tmp_path):
    environment = {
        **{name: value for name, value in os.environ.items() if name not in UNWANTED},
        "DJANGO_SETTINGS_MODULE": "console.settings",
        "PUBLIC_URL": "https://latchkey.example",
        "DATA_DIR": str(tmp_path),
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--tag", "security", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_what_the_readme_tells_to_make_can_be_made():
    readme = (ROOT / "README.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    told = set(re.findall(r"\bmake ([a-z]+)", readme))
    assert told >= {"run", "test", "lint", "bench"}
    assert told <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def test_what_the_readme_calls_a_variable_is_read_somewhere():
    readme = (ROOT / "README.md").read_text()
    named = set(re.findall(r"^\| `([A-Z_]+)`", readme, re.MULTILINE))
    assert named >= {"PORT", "DATA_DIR", "PUBLIC_URL", "DATABASE_URL", "DEMO"}
    sources = "".join(path.read_text() for path in (ROOT / "console").rglob("*.py"))
    assert {name for name in named if f'"{name}"' not in sources} == set()


def test_help_names_every_target_that_is_meant_for_people():
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("run", "test", "lint", "bench", "lock"):
        assert f"make {target} " in done.stdout


@pytest.mark.parametrize("port", ["0", "65536", "http", "80 80", "٨٠", "9" * 5000])
def test_a_port_that_is_none_is_refused(monkeypatch, port):
    monkeypatch.setenv("PORT", port)
    with pytest.raises(CommandError, match="PORT must be a number"):
        call_command("serve")


def test_a_port_in_use_is_said_plainly(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        monkeypatch.setenv("HOST", "127.0.0.1")
        with pytest.raises(CommandError, match=f"Port {port} cannot be used"):
            call_command("serve")


def sources() -> Iterator[Path]:
    """Give the files of the project itself, without its tests, and the demo's Actors, which are programs of users."""
    yield ROOT / "manage.py"
    for floor in FLOORS:
        yield from (each for each in (ROOT / floor).rglob("*.py") if "demo/actors" not in each.as_posix())


def hidden_imports(node: ast.AST, inside: str = "") -> Iterator[tuple[str, str]]:
    """Give each import that does not stand at the top of a module: the function that it is in, and what it imports."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from hidden_imports(each, each.name)
        elif isinstance(each, ast.If | ast.Try):
            yield from hidden_imports(each, inside or "a condition")
        elif inside and isinstance(each, ast.Import):
            yield from ((inside, alias.name) for alias in each.names)
        elif inside and isinstance(each, ast.ImportFrom):
            yield from ((inside, f"{each.module}.{alias.name}") for alias in each.names)
        else:
            yield from hidden_imports(each, inside)


@pytest.mark.parametrize("folder", ["console/pages", "console/api", "resources", "tests"])
def test_few_files_lie_directly_in_a_folder_of_areas(folder):
    assert len([each for each in (ROOT / folder).iterdir() if each.is_file()]) <= 12


def test_no_import_hides_in_a_function_or_a_condition():
    found = defaultdict(set)
    for path in sources():
        for inside, imported in hidden_imports(ast.parse(path.read_text())):
            found[path.relative_to(ROOT).as_posix(), inside].add(imported)
    assert found == WAITING


def test_only_what_is_listed_imports_by_a_path():
    by_path = re.compile(r"\b(import_string|import_module|__import__)\b")
    assert {each.relative_to(ROOT).as_posix() for each in sources() if by_path.search(each.read_text())} == BY_PATH


def test_an_import_that_hides_is_found():
    code = (
        "import a\nif b:\n    import c\ndef d():\n    from e import f\nclass g:\n    def h(self):\n        import i.j\n"
    )
    assert list(hidden_imports(ast.parse(code))) == [("a condition", "c"), ("d", "e.f"), ("h", "i.j")]
