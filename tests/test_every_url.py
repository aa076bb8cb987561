"""Walks every URL and every method of the running configuration, as everybody, with both kinds of credential.

What a view declares is compared with what happens to a request. No list of URLs is typed by hand: a new view is
walked from the day that it is mounted.
"""

import re
from collections.abc import Iterator
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern

from accounts import tokens
from accounts.models import Account
from resources.kinds import KINDS, STORAGES, Kind
from resources.models import MODELS, Resource
from sharing import grants, refusals
from sharing.checks import every_view_declares, views
from sharing.declare import EVERY_METHOD, Needs, Public, SignedIn, declared, need_of
from sharing.permissions import Permission, parse
from tests.conftest import principal_of

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ROLES = {
    "anonymous": None,
    "stranger": [],
    "reader": ["READ"],
    "writer": ["WRITE"],
    "manager": ["MANAGE_ACCESS_RIGHTS"],
    "owner": list(Permission.__members__),
}
# What stands in a URL besides the resource's address. Whoever is named by `account` is nobody of the roles.
VALUES = {"account": "somebody-else"}
pytestmark = pytest.mark.django_db
PATTERNS = [(route, pattern) for route, pattern in views()]


class Stage:
    """A resource of every kind, people in every role to all of them, and both credentials for each."""

    def __init__(self, level: str) -> None:
        self.level = level
        self.owner = Account.objects.create_user("owner", "owner@example.com", general_access=level)
        self.resources = {kind: MODELS[kind].objects.create(owner=self.owner, name="prices") for kind in Kind}
        for kind in STORAGES:
            self.resources[kind].run = self.resources[Kind.RUN]
            self.resources[kind].save()
        self.people: dict[str, Account | None] = {"anonymous": None, "owner": self.owner}
        for role in ("stranger", "reader", "writer", "manager"):
            person = self.people[role] = Account.objects.create_user(role, f"{role}@example.com")
            for resource in self.resources.values():
                self._grant(resource, role, person)
        self.clients = {
            (role, credential): self._client(person, credential)
            for role, person in self.people.items()
            for credential in ("session", "token")
        }

        self.cookies = {who: client.cookies.output(header="", sep=";") for who, client in self.clients.items()}

    def _grant(self, resource: Resource, role: str, person: Account) -> None:
        names = [name for name in ROLES[role] or [] if name in resource.info.permissions]
        if names:
            permissions = parse(names, Kind(resource.kind))
            grants.grant(resource, person, permissions, by=principal_of(self.owner))

    def _client(self, person: Account | None, credential: str) -> Client:
        if person is None:
            return Client(raise_request_exception=False)
        if credential == "token":
            _, token = tokens.create(person, "walk", by=principal_of(person))
            return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})
        client = Client(raise_request_exception=False)
        client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    def holds(self, role: str, kind: Kind) -> set[str]:
        """Return the permissions that a role has on the stage's resource of a kind, by the access model."""
        if role == "owner":
            return set(Permission.__members__)
        held = {name for name in ROLES[role] or [] if name in KINDS[kind].permissions}
        open_by_id = KINDS[kind].general_access and self.level == "ANYONE_WITH_ID_CAN_READ"
        return held | ({"READ"} if held or open_by_id else set())


def kind_of(pattern: URLPattern, need: Needs) -> Kind:
    return need.kind or Kind(pattern.default_args["kind"])


def url_of(route: str, addresses: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        converter, _, name = match[1].rpartition(":")
        if name in ("address", "run"):
            return addresses[name]
        return "1" if converter == "int" else VALUES.get(name, "nothing")

    return "/" + re.sub(r"<([^>]+)>", value, route)


def expected_refusal(stage: Stage, role: str, api: bool, need: Any, kind: Kind | None) -> str | None:
    """Say by the model's table which refusal a request gets; None when it gets to the view."""
    if isinstance(need, Public):
        return None
    if isinstance(need, SignedIn) or kind is None:
        return "nobody" if role == "anonymous" else None
    held = stage.holds(role, kind)
    # The walk names nobody, so a view that then speaks of oneself speaks of whoever asks.
    about_oneself = need.oneself_by_default and role != "anonymous"
    wanted = {"READ"} if about_oneself else {permission.name for permission in need.permissions}
    if role == "anonymous" and (not api or "READ" not in wanted):
        return "nobody"
    if held & wanted:
        return None
    return "lacking" if "READ" in held else "closed"


STATUSES = {
    (True, "nobody"): HTTPStatus.UNAUTHORIZED,
    (True, "lacking"): HTTPStatus.FORBIDDEN,
    (False, "nobody"): HTTPStatus.FOUND,
    (False, "lacking"): HTTPStatus.FORBIDDEN,
    (False, "closed"): HTTPStatus.NOT_FOUND,
}


def expected_status(api: bool, refusal: str, kind: Kind | None) -> HTTPStatus:
    if api and refusal == "closed":
        told = kind is not None and KINDS[kind].general_access
        return HTTPStatus.FORBIDDEN if told else HTTPStatus.NOT_FOUND
    return STATUSES[api, refusal]


@pytest.fixture
def refused(monkeypatch) -> list[str]:
    """Record what the middleware refuses, so that a view's own 404 is not taken for a refusal."""
    record: list[str] = []
    for name in ("nobody", "missing", "refused", "out_of_scope"):
        original = getattr(refusals, name)

        def recording(*args, _name=name, _original=original, **kwargs):
            record.append(_name)
            return _original(*args, **kwargs)

        monkeypatch.setattr(refusals, name, recording)
    return record


class Writes:
    """Records the statements that change something, while it is in place around the database."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def __call__(self, execute, sql, params, many, context):
        if re.match(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", sql, re.IGNORECASE):
            self.statements.append(sql)
        return execute(sql, params, many, context)


@pytest.fixture(scope="module", params=["RESTRICTED", "ANYONE_WITH_ID_CAN_READ"])
def stage(request, django_db_setup, django_db_blocker) -> Iterator[Stage]:
    """One stage for the whole walk, at each level; what a request does to it is taken back after the request."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield Stage(request.param)
        transaction.set_rollback(True)


def test_every_view_declares_what_it_needs():
    assert every_view_declares(None) == []
    assert len(PATTERNS) > 20


@pytest.mark.parametrize(("route", "pattern"), PATTERNS, ids=[route or "/" for route, _ in PATTERNS])
def test_url(stage, route, pattern, refused):
    methods = [method for method in METHODS if need_of(pattern.callback, method)]
    assert methods
    for method in methods:
        need = need_of(pattern.callback, method)
        kind = kind_of(pattern, need) if isinstance(need, Needs) else None
        address = stage.resources[kind].pk if kind else "nothing"
        url = url_of(route, {"address": address, "run": stage.resources[Kind.RUN].pk})
        for (role, credential), client in stage.clients.items():
            api = url.startswith("/v2/")
            speaks_for = role if (credential == "token") == api else "anonymous"
            refused.clear()
            writes = Writes()
            client.cookies = SimpleCookie(stage.cookies[role, credential])  # whoever was signed out is back
            point = transaction.savepoint()
            with connection.execute_wrapper(writes):
                response = client.generic(method, url)
            where = f"{method} {url} as {role} by {credential}: {response.status_code} {refused}"
            assert response.status_code < 500, where
            refusal = expected_refusal(stage, speaks_for, api, need, kind)
            assert bool(refused) == bool(refusal), where
            if refusal:
                assert response.status_code == expected_status(api, refusal, kind), where
                assert not writes.statements, where
            transaction.savepoint_rollback(point)


def test_a_view_that_declares_nothing_is_refused_and_fails_the_check(settings, client, db):
    settings.ROOT_URLCONF = "tests.undeclared_urls"
    client.raise_request_exception = False
    assert client.get("/undeclared").status_code == HTTPStatus.FORBIDDEN
    assert client.get("/v2/undeclared").status_code == HTTPStatus.FORBIDDEN
    errors = every_view_declares(None)
    assert [error.id for error in errors] == ["sharing.E001", "sharing.E001"]


def test_declarations_name_real_methods():
    for route, pattern in PATTERNS:
        assert set(declared(pattern.callback)) <= {EVERY_METHOD, *METHODS}, route
