"""`manage.py check --deploy` and the start: what is still to be done before others use a deployment."""

import io
import os
import re
from pathlib import Path

import pytest
from django.conf import settings as project
from django.core import checks as django_checks
from django.core.management import call_command

from accounts.deployment import upgrade_notices
from accounts.models import Account
from console import deploy_checks
from console.demo import loading
from resources.sandbox.bubblewrap import Isolation, IsolationMissing
from tests.support.sign_in import verify

pytestmark = pytest.mark.django_db


@pytest.fixture
def deployed(settings, monkeypatch, tmp_path) -> Path:
    """A deployment about which there is nothing to say; the fixture's value is its data directory."""
    settings.PUBLIC_URL = "https://latchkey.example"
    settings.ALLOWED_HOSTS = ["latchkey.example", "localhost"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    settings.SIGN_UP = ""
    settings.RUN_NETWORK = "auto"
    settings.EMAIL_HOST, settings.EMAIL_USE_TLS = "smtp.example", True
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir(mode=0o700)
    settings.DEFAULT_GENERAL_ACCESS = "RESTRICTED"
    settings.API_ACCEPTS_TOKEN_IN_QUERY = False
    settings.LOOKUP_MISSES = 100
    settings.WEBHOOK_ADDRESSES = ["public"]
    monkeypatch.setenv("HOST", "127.0.0.1")
    monkeypatch.setenv("DEMO", "0")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(deploy_checks, "isolation", lambda: Isolation(on=True))
    return tmp_path / "data"


def ids() -> list[str]:
    return [str(message.id) for message in deploy_checks.messages()]


def test_nothing_is_said_of_a_deployment_that_is_set_up(deployed):
    assert deploy_checks.messages() == []


@pytest.mark.parametrize(
    ("setting", "value", "id_"),
    [
        ("PUBLIC_URL", "http://latchkey.example", "console.W001"),
        ("PUBLIC_URL", "https://localhost:8000", "console.W001"),
        ("SECURE_PROXY_SSL_HEADER", None, "console.W002"),
        ("ALLAUTH_TRUSTED_PROXY_COUNT", 0, "console.W003"),
        ("ALLOWED_HOSTS", ["*"], "console.W004"),
        ("SIGN_UP", "open", "console.W007"),
        ("RUN_NETWORK", "shared", "console.W009"),
        ("EMAIL_HOST", "", "console.W011"),
        ("EMAIL_USE_TLS", False, "console.W012"),
        ("DEFAULT_GENERAL_ACCESS", "ANYONE_WITH_ID_CAN_READ", "console.W015"),
        ("API_ACCEPTS_TOKEN_IN_QUERY", True, "console.W016"),
        ("LOOKUP_MISSES", 100_000, "console.W017"),
        ("WEBHOOK_ADDRESSES", ["public", "10.0.0.0/8"], "console.I002"),
    ],
)
def test_a_setting_that_is_not_for_the_public_is_named(deployed, settings, setting, value, id_):
    setattr(settings, setting, value)
    (message,) = deploy_checks.messages()
    assert message.id == id_
    assert message.hint


@pytest.mark.parametrize(
    ("variable", "value", "id_"),
    [
        ("HOST", "0.0.0.0", "console.I001"),
        ("DEMO", "1", "console.W006"),
        ("DATABASE_URL", "postgresql://db.example/latchkey", "console.W014"),
        ("DATABASE_URL", "postgresql://db.example/latchkey?sslmode=prefer", "console.W014"),
    ],
)
def test_a_variable_that_is_not_for_the_public_is_named(deployed, monkeypatch, variable, value, id_):
    monkeypatch.setenv(variable, value)
    assert ids() == [id_]


@pytest.mark.parametrize(
    "url",
    ["postgresql://db.example/latchkey?sslmode=verify-full", "postgresql://127.0.0.1/latchkey", "postgresql:///x"],
)
def test_a_database_that_is_reached_safely(deployed, monkeypatch, url):
    monkeypatch.setenv("DATABASE_URL", url)
    assert ids() == []


def test_the_demo_with_its_published_password(deployed, monkeypatch):
    loading.load(local=True)
    (message,) = deploy_checks.messages()
    assert message.id == "console.W005"
    assert "ada, ben, cleo, dan" in message.msg


def test_the_demo_with_passwords_of_its_own(deployed):
    loading.load(local=False)
    assert ids() == []


def test_root(deployed, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert ids() == ["console.W010"]


def _missing() -> Isolation:
    raise IsolationMissing("bubblewrap is not installed.")


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (lambda: Isolation(on=False), "RUN_ISOLATION is none."),
        (lambda: Isolation(on=False, why_not="bwrap does not work."), "bwrap does not work."),
        (lambda: Isolation(on=True, why_not="pasta is missing."), "pasta is missing."),
        (_missing, "bubblewrap is not installed."),
    ],
)
def test_runs_that_are_not_isolated(deployed, monkeypatch, found, why):
    monkeypatch.setattr(deploy_checks, "isolation", found)
    (message,) = deploy_checks.messages()
    assert message.id == "console.W008"
    assert why in message.msg


@pytest.mark.parametrize("name", [".", "secret-key"])
def test_files_that_other_users_can_read(deployed, name):
    path = deployed / name
    if name != ".":
        path.write_text("secret")
    path.chmod(0o750)
    assert ids() == ["console.W013"]
    path.chmod(0o700)
    assert ids() == []


def test_a_database_without_tables_is_no_reason_to_fail(deployed, monkeypatch):
    from django.db import OperationalError

    def no_table() -> list[Account]:
        raise OperationalError("no such table")

    monkeypatch.setattr(deploy_checks.published_password, "accounts_with_published_password", no_table)
    assert ids() == []


def test_check_deploy_runs_them_and_check_alone_does_not(deployed, settings):
    settings.SIGN_UP = "open"
    said = io.StringIO()
    call_command("check", deploy=True, tags=[deploy_checks.TAG], stderr=said)
    assert "console.W007" in said.getvalue()
    assert "SIGN_UP=invited" in said.getvalue()
    assert django_checks.run_checks(tags=[deploy_checks.TAG]) == []


# The start


def started() -> str:
    said = io.StringIO()
    call_command("serve", "--prepare-only", stdout=said)
    return said.getvalue()


def test_the_start_says_what_is_to_be_done_where_others_can_come(deployed, settings):
    settings.EMAIL_HOST = ""
    said = started()
    assert "PUBLIC_URL is https://latchkey.example." in said
    assert "No mail server is set up" in said
    assert "EMAIL_HOST" in said


def test_the_start_on_loopback_says_nothing_of_it(on_loopback, monkeypatch):
    monkeypatch.setenv("DEMO", "0")
    assert "mail server" not in started()


def test_an_upgrade_says_once_that_sign_up_is_by_invitation_now(deployed, client, settings, monkeypatch):
    settings.SIGN_UP = "open"
    new = {"username": "eve", "email": "eve@example.com", "password1": "correct horse battery"}
    client.post("/sign-up", new, headers={"Host": "localhost"})
    assert Account.objects.exists()
    assert "by invitation" not in started(), "SIGN_UP says what holds"
    settings.SIGN_UP = ""
    assert "Sign-up is by invitation now" in started()
    assert "Sign-up is by invitation now" not in started()


def test_a_server_where_nobody_ever_signed_up_has_nothing_to_get_used_to(deployed, ada):
    verify(ada)
    assert "Sign-up is by invitation now" not in started()
    assert not upgrade_notices.unseen(upgrade_notices.ADMINISTRATOR)


# The chapter


def test_each_check_has_a_line_in_the_chapter_of_the_readme():
    readme = (project.BASE_DIR / "README.md").read_text()
    chapter = readme.split("## Going public")[1].split("\n## ")[0]
    source = (project.BASE_DIR / "console" / "deploy_checks.py").read_text()
    ids_of_checks = set(re.findall(r"\b[IW]0\d\d\b", source))
    assert len(ids_of_checks) > 15
    assert set(re.findall(r"\b[IW]0\d\d\b", chapter)) == ids_of_checks
