"""The fixed cast of people, and what every test may ask for."""

import threading
from collections.abc import Callable, Iterator

import django.test.client
import django.test.testcases
import pytest
from allauth.mfa.totp.internal import auth as totp
from django.apps.registry import Apps
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django_tasks import task_backends
from django_tasks.backends.base import BaseTaskBackend
from django_tasks_db.backend import DatabaseBackend

from accounts import tokens
from accounts.deployment import exposure
from accounts.deployment.exposure import exposure_reasons
from accounts.models import Account
from console.wsgi import ApiShortcut, Application
from resources.models import Resource
from resources.sandbox import bubblewrap
from sharing.models import Grant
from tests.support import cast, factories
from tests.support.api import ApiClient
from tests.support.machine import check_mark

WRITING_THREADS = {"listening addresses", "published password"}


class _ClientHandler(ApiShortcut, django.test.client.ClientHandler):
    """The handler of Django's test client, with requests entering as they do where the project is served."""

    def close_connection(self) -> None:
        """Keep it, as Django's own does: the test may be in a transaction."""


django.test.client.ClientHandler = _ClientHandler  # type: ignore[misc]
django.test.testcases.WSGIHandler = Application  # type: ignore[attr-defined]  # of live servers
# There are no media files, and with no MEDIA_URL all requests of live servers would be for one, past the application.
django.test.testcases._MediaFilesHandler = lambda application: application  # type: ignore[assignment, misc]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test for which something of the machine is missing, or fail it in CI."""
    for mark in item.iter_markers("needs"):
        check_mark(mark)


@pytest.fixture(autouse=True)
def _only_this_machine(monkeypatch) -> None:
    """Let the host name of Django's test client count for no way in which others reach the deployment.

    So runs go on where the programs are missing that isolate them, as they do with `make run`.
    """
    monkeypatch.setattr(bubblewrap, "exposure_reasons", lambda: [*filter(_is_real, exposure_reasons())])


def _is_real(way: str) -> bool:
    return way != "ALLOWED_HOSTS names testserver."


@pytest.fixture(autouse=True)
def _the_clock_of_authenticator_apps_stands_still(monkeypatch) -> None:
    """Keep a code valid for as long as its test takes, whenever it begins."""
    monkeypatch.setattr(totp, "yield_hotp_counters_from_time", lambda: iter([50_000_000]))


@pytest.fixture(autouse=True)
def _no_thread_outlives_its_test() -> Iterator[None]:
    """Fail where a thread that writes into the database goes on after the test: it would fail in another one."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.name in WRITING_THREADS:
            thread.join(30)
            assert not thread.is_alive(), f"The thread {thread.name!r} goes on."


@pytest.fixture
def make_account(db) -> Callable[..., Account]:
    """Make another account than those of the cast: `make_account("erin", general_access="RESTRICTED")`."""
    return cast.make_account


@pytest.fixture
def ada(make_account) -> Account:
    """The owner."""
    return make_account("ada")


@pytest.fixture
def ben(make_account) -> Account:
    """The collaborator."""
    return make_account("ben")


@pytest.fixture
def cleo(make_account) -> Account:
    """The stranger."""
    return make_account("cleo")


@pytest.fixture
def dan(make_account) -> Account:
    """The Actor developer."""
    return make_account("dan")


@pytest.fixture
def make_resource(db) -> Callable[..., Resource]:
    """Make a resource of any kind: `make_resource(Kind.DATASET, ada, name="prices")`."""
    return factories.make_resource


@pytest.fixture
def give(db) -> Callable[..., Grant]:
    """Let the owner grant something: `give(dataset, ben, "READ", "WRITE")`; READ when no permission is named."""
    return factories.give


@pytest.fixture
def signed_in(db) -> Callable[[Account], Client]:
    """Return a browser-like client on which an account is signed in."""

    def sign_in(account: Account) -> Client:
        client = Client()
        client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in


@pytest.fixture
def token_of(db) -> Callable[[Account], str]:
    """Make an API token of an account and return its text."""

    def make(account: Account, **fields) -> str:
        return tokens.create(account, "test", by=account.principal, **fields)[1]

    return make


@pytest.fixture
def api(token_of) -> Callable[..., ApiClient]:
    """Return a client of the API for an account, or an anonymous one: `api(ada)`, `api()`."""

    def make(account: Account | None = None, **fields) -> ApiClient:
        return ApiClient(token_of(account, **fields) if account else None)

    return make


@pytest.fixture
def commits(monkeypatch) -> None:
    """Let happen at once what waits for a commit, which never comes inside the transaction of a test."""
    monkeypatch.setattr(transaction, "on_commit", lambda call, using=None, robust=False: call())


@pytest.fixture
def migrate(transactional_db) -> Iterator[Callable[[str, str], Apps]]:
    """Take the schema to a migration of an app, "" for its latest, and return the models as they were there.

    It ends at the latest ones. Only there the models of the code fit.
    """

    def to(app: str, name: str) -> Apps:
        executor = MigrationExecutor(connection)
        return executor.migrate([(app, name)] if name else executor.loader.graph.leaf_nodes(app)).apps

    try:
        yield to
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.fixture
def on_loopback(monkeypatch) -> None:
    """Let only this machine reach the deployment; the host name of Django's test client is another one."""
    monkeypatch.setattr(exposure, "exposure_reasons", list)


@pytest.fixture
def exposed(monkeypatch) -> None:
    """Let others than this machine reach the deployment."""
    monkeypatch.setattr(exposure, "exposure_reasons", lambda: ["A server on web1 listens on 0.0.0.0."])


@pytest.fixture
def database_queue(settings) -> BaseTaskBackend:
    """The queue of a deployment, in place of that of the tests, which keeps what it is given to itself."""
    queues = ["jobs", "webhooks", "emails"]
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": queues}}
    backend = task_backends["default"]
    assert isinstance(backend, DatabaseBackend)
    return backend


@pytest.fixture
def looks_often(monkeypatch) -> None:
    """Let what supervises a run or a build look every 20 milliseconds for what has changed."""
    monkeypatch.setattr("resources.worker.supervise.STEP_SECONDS", 0.02)
    monkeypatch.setattr("resources.worker.supervise.POLL_SECONDS", 0.02)
