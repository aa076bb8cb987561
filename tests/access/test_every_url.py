"""Walks every URL and every method of the running configuration, as everybody, with both kinds of credential.

What a view declares is compared with what happens to a request. No list of URLs is typed by hand: a new view is
walked from the day that it is mounted. Where nothing is open the walk is complete; at the other levels, and by name,
it is of those views that are about a resource, with the credential that counts.
"""

import os
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
from accounts.deployment import exposure
from accounts.lib.ids import new_id
from accounts.models import Account, CacheEntry
from accounts.principal import RunIdentity
from console import readiness
from resources.kinds import KINDS, STORAGES, Kind
from resources.models import Resource
from sharing import grants
from sharing.declare import EVERY_METHOD, Public, Requires, SignedIn, Takes, declared, requirement_for
from sharing.enforcement import refusals
from sharing.permissions import Permission, parse
from sharing.system_checks import every_view_declares, every_view_says_which_tokens_it_takes, iterate_views
from tests.support.factories import make_resource
from tests.support.urls import url_of

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
# The level of whatever general access applies to: of the storages' own where it is about names, else the account's.
BY_ID, BY_NAME = "ANYONE_WITH_ID_CAN_READ", "ANYONE_WITH_NAME_CAN_READ"
LEVELS = ("RESTRICTED", BY_ID, BY_NAME)
ROLES = {
    "anonymous": None,
    "stranger": [],
    "reader": ["READ"],
    "writer": ["WRITE"],
    "manager": ["MANAGE_ACCESS_RIGHTS"],
    "owner": list(Permission.__members__),
}
# The role of the owner's token that is for one thing.
SCOPED, SCOPE_KIND, SCOPE_PERMISSION = "scoped", Kind.DATASET, "READ"
# The role of the owner's run of another account's Actor, and what it may not do with a kind besides what it may do with
# none: to change who has access.
FOREIGN_RUN = "run of another account's Actor"
NOT_FOR_FOREIGN_RUNS = {Kind.ACTOR: {"WRITE", "BUILD"}, Kind.SCHEDULE: {"WRITE"}}
# A view declares one permission; these ask for others besides, because of what they give away.
NEEDS_MORE = {
    ("actors/<str:address>/publish", "manager"): "publishing takes WRITE and RUN, too (sharing/policies/publishing.py)",
}
pytestmark = pytest.mark.django_db
PATTERNS = [(route, pattern) for route, pattern in iterate_views()]
OF_RESOURCES = [
    (r, p) for r, p in PATTERNS if any(isinstance(need, Requires) for need in declared(p.callback).values())
]


class Stage:
    """A resource of every kind, people in every role to all of them, and both credentials for each."""

    def __init__(self, level: str) -> None:
        self.level = level
        of_account = BY_ID if level == BY_ID else "RESTRICTED"
        self.owner = Account.objects.create_user("owner", "owner@example.com", general_access=of_account)
        self.resources = {kind: make_resource(kind, self.owner, name="prices") for kind in Kind}
        for kind in STORAGES:
            self.resources[kind].run = self.resources[Kind.RUN]
            if level == BY_NAME:
                self.resources[kind].general_access = BY_NAME
            self.resources[kind].save()
        self._belong()
        exposure.record_listening([exposure.WORKER], os.getpid())  # without one, the server is not ready
        readiness.forget()
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
        scope = [{"kind": SCOPE_KIND.value, "permissions": [SCOPE_PERMISSION]}]
        self.clients[SCOPED, "token"] = self._client(self.owner, "token", scope=scope)
        run = RunIdentity(new_id(), is_of_other_account=True, started_by_token_id="")
        self.clients[FOREIGN_RUN, "token"] = with_token(tokens.create_for_run(self.owner.pk, run)[1])
        for (_, credential), client in self.clients.items():
            if credential == "session":
                client.get("/")  # when a browser comes for the first time, that is noted
        self.cookies = {who: client.cookies.output(header="", sep=";") for who, client in self.clients.items()}

    def _belong(self) -> None:
        """Let the run be one of the Actor's and the task's."""
        run = self.resources[Kind.RUN]
        run.actor_id, run.task_id = self.resources[Kind.ACTOR].pk, self.resources[Kind.TASK].pk
        run.save()

    def _grant(self, resource: Resource, role: str, person: Account) -> None:
        names = [name for name in ROLES[role] or [] if name in resource.info.permissions]
        if names:
            permissions = parse(names, Kind(resource.kind))
            grants.grant(resource, person, permissions, by=self.owner.principal)

    def _client(self, person: Account | None, credential: str, **fields: Any) -> Client:
        if person is None:
            return Client(raise_request_exception=False)
        if credential == "token":
            _, token = tokens.create(person, "walk", by=person.principal, **fields)
            return with_token(token)
        client = Client(raise_request_exception=False)
        client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    def holds(self, role: str, kind: Kind, by: str) -> set[str]:
        """Return the permissions that a role has on the stage's resource of a kind, by the access model."""
        if role == "owner":
            return set(Permission.__members__)
        if role == FOREIGN_RUN:
            return set(Permission.__members__) - withheld_from_foreign_runs(kind)
        if role == SCOPED:
            held = {SCOPE_PERMISSION} if kind is SCOPE_KIND else set()
        else:
            held = {name for name in ROLES[role] or [] if name in KINDS[kind].permissions}
        return held | ({"READ"} if held or self.is_open(kind, by) else set())

    def is_open(self, kind: Kind, by: str) -> bool:
        """Tell whether anybody may read the resource of a kind that a request names by ID or by NAME."""
        if self.level == BY_NAME:
            return kind in STORAGES
        return by == "ID" and self.level == BY_ID and KINDS[kind].general_access

    def addresses(self, kind: Kind | None, by: str) -> dict[str, str]:
        """Return what to put into a URL for the resource of a kind, and for its run."""
        resource = self.resources.get(kind) if kind else None
        address = "nothing" if resource is None else f"OWNER~{resource.name}" if by == "NAME" else resource.pk
        actor, task = (
            f"OWNER~{parent.name}" if by == "NAME" else parent.pk
            for parent in (self.resources[Kind.ACTOR], self.resources[Kind.TASK])
        )
        run = self.resources[Kind.RUN].pk
        return {"address": address, "run": run, "job": run} | {
            "of_actor": actor,
            "last_of_actor": actor,
            "last_of_task": task,
        }


def with_token(token: str) -> Client:
    return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})


def withheld_from_foreign_runs(kind: Kind) -> set[str]:
    return {"MANAGE_ACCESS_RIGHTS"} | NOT_FOR_FOREIGN_RUNS.get(kind, set())


def kind_of(pattern: URLPattern, need: Requires) -> Kind:
    return need.kind or Kind(pattern.default_args.get("kind", Kind.RUN))


def expected_refusal(
    stage: Stage, role: str, api: bool, need: Any, kind: Kind | None, by: str, *, last_run: bool
) -> str | None:
    """Say by the model's table which refusal a request gets; None when it gets to the view.

    Beyond its scope a token is no better than none, and without one a last run is nobody's, open or not.
    """
    if isinstance(need, Public):
        return None
    if isinstance(need, SignedIn) or kind is None:
        return expected_refusal_without_a_resource(role, need)
    if need.account_wide and role in (SCOPED, FOREIGN_RUN):
        return "narrowed"
    if need.lists and role == SCOPED and (need.lists, "READ") != (SCOPE_KIND, SCOPE_PERMISSION):
        return "out of scope"
    if role == SCOPED and any((each, "READ") != (SCOPE_KIND, SCOPE_PERMISSION) for each in need.reads):
        return "out of scope"
    held = stage.holds(role, kind, by)
    if role == SCOPED and last_run and kind is not SCOPE_KIND:
        held = set()
    # The walk names nobody, so a view that then speaks of oneself speaks of whoever asks.
    about_oneself = need.oneself_by_default and role != "anonymous"
    wanted = {"READ"} if about_oneself else {permission.name for permission in need.permissions}
    if role == "anonymous" and (not api or "READ" not in wanted or need.needs_account):
        return "nobody"
    if held & wanted:
        return None
    return "lacking" if "READ" in held else "closed"


def expected_refusal_without_a_resource(role: str, need: SignedIn) -> str | None:
    """Say which refusal a request gets from a view that is about the account, or about all resources of a kind."""
    if role == "anonymous":
        return "nobody"
    if role in (SCOPED, FOREIGN_RUN) and need.takes is Takes.WHOLE_ACCOUNT:
        return "narrowed"
    if need.kind is None or need.permission is None:
        return None
    if role == SCOPED and (need.kind, need.permission.name) != (SCOPE_KIND, SCOPE_PERMISSION):
        return "out of scope"
    is_withheld = need.permission.name in withheld_from_foreign_runs(need.kind) and not need.runs_too
    return "narrowed" if role == FOREIGN_RUN and (need.not_for_runs or is_withheld) else None


STATUSES = {
    (True, "nobody"): HTTPStatus.UNAUTHORIZED,
    (True, "lacking"): HTTPStatus.FORBIDDEN,
    (True, "out of scope"): HTTPStatus.FORBIDDEN,
    (True, "narrowed"): HTTPStatus.FORBIDDEN,
    (True, "no run of one's own"): HTTPStatus.NOT_FOUND,
    (False, "nobody"): HTTPStatus.FOUND,
    (False, "lacking"): HTTPStatus.FORBIDDEN,
    (False, "closed"): HTTPStatus.NOT_FOUND,
}


def expected_status(api: bool, refusal: str, kind: Kind | None, by: str) -> HTTPStatus:
    if api and refusal == "closed":
        told = kind is not None and KINDS[kind].general_access and by == "ID"
        return HTTPStatus.FORBIDDEN if told else HTTPStatus.NOT_FOUND
    return STATUSES[api, refusal]


RECORDED = (
    *("sign_in_required", "missing", "forbidden_response", "held_back_from_kind", "token_limited_response"),
    "too_many_lookups_response",
)


@pytest.fixture
def refused(monkeypatch) -> list[str]:
    """Record what the middleware refuses, so that a view's own 404 is not taken for a refusal."""
    record: list[str] = []
    for name in RECORDED:
        original = getattr(refusals, name)

        def recording(*args, _name=name, _original=original, **kwargs):
            record.append(_name)
            return _original(*args, **kwargs)

        monkeypatch.setattr(refusals, name, recording)
    return record


class Writes:
    """Records the statements that change something, while it is in place around the database.

    Names that were not found are counted, and a session notes now and then when it was last seen: that is all that a
    refusal may write.
    """

    ALLOWED = (CacheEntry._meta.db_table, "usersessions_usersession")

    def __init__(self) -> None:
        self.statements: list[str] = []

    def __call__(self, execute, sql, params, many, context):
        changes = re.match(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", sql, re.IGNORECASE)
        if changes and not any(table in sql for table in self.ALLOWED):
            self.statements.append(sql)
        return execute(sql, params, many, context)


@pytest.fixture(scope="module")
def stage(request, django_db_setup, django_db_blocker) -> Iterator[Stage]:
    """One stage for the whole walk, at each level; what a request does to it is taken back after the request."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield Stage(request.param)
        transaction.set_rollback(True)


def at_levels(*levels: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stage", levels, indirect=True)


def walking(patterns: list[tuple[str, URLPattern]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("route", "pattern"), patterns, ids=[route or "/" for route, _ in patterns])


def methods_of(pattern: URLPattern, *, each_need_once: bool) -> list[str]:
    """Return the methods that a view declares; when each need is wanted once, those without one of their own by two."""
    own = declared(pattern.callback)
    return [
        method
        for method in METHODS
        if requirement_for(pattern.callback, method)
        and (not each_need_once or method in own or (EVERY_METHOD in own and method in ("GET", "POST")))
    ]


def test_every_view_declares_what_it_needs():
    assert every_view_declares(None) == []
    assert every_view_says_which_tokens_it_takes(None) == []
    assert len(PATTERNS) > 20
    assert len(OF_RESOURCES) > 20


@at_levels("RESTRICTED")
@walking(PATTERNS)
def test_url(stage, route, pattern, refused):
    methods = methods_of(pattern, each_need_once=False)
    assert methods
    for method in methods:
        for role, credential in stage.clients:
            # To a page the token of a run is what the owner's is: no credential.
            once = role != FOREIGN_RUN and method in methods_of(pattern, each_need_once=True)
            if credential == counting(route) or once:
                check(stage, route, pattern, method, role, credential, "ID", refused)


@at_levels(*LEVELS)
@walking(OF_RESOURCES)
def test_url_at_every_level_and_by_name(stage, route, pattern, refused):
    ways = [*(["ID"] if stage.level != "RESTRICTED" else []), *(["NAME"] if "address>" in route else [])]
    for method in methods_of(pattern, each_need_once=True):
        for role, credential in stage.clients:
            for by in ways:
                if credential == counting(route):
                    check(stage, route, pattern, method, role, credential, by, refused)


def counting(route: str) -> str:
    """Return the credential that counts where a URL is."""
    return "token" if route.startswith("v2/") else "session"


def check(
    stage: Stage,
    route: str,
    pattern: URLPattern,
    method: str,
    role: str,
    credential: str,
    by: str,
    refused: list[str],
) -> None:
    """Make one request, compare what happens with what the view declares, and take back what it did."""
    need = requirement_for(pattern.callback, method)
    kind = kind_of(pattern, need) if isinstance(need, Requires) else None
    url = url_of(route, stage.addresses(kind, by))
    api = url.startswith("/v2/")
    speaks_for = role if (credential == "token") == api else "anonymous"
    client = stage.clients[role, credential]
    client.cookies = SimpleCookie(stage.cookies[role, credential])  # whoever was signed out is back
    refused.clear()
    writes = Writes()
    point = transaction.savepoint()
    with connection.execute_wrapper(writes):
        response = client.generic(method, url)
    transaction.savepoint_rollback(point)
    where = f"{method} {url} as {role} by {credential}: {response.status_code} {refused}"
    assert response.status_code < 500, where
    last_run = "<str:last_of_" in route
    refusal = expected_refusal(stage, speaks_for, api, need, kind, by, last_run=last_run)
    if last_run and speaks_for not in ("owner", SCOPED, FOREIGN_RUN):
        refusal = "nobody" if speaks_for == "anonymous" else "no run of one's own"
    if not refusal and (route, speaks_for) in NEEDS_MORE and method in ("GET", "HEAD"):
        assert response.status_code == 403, where
        return
    assert bool(refused) == bool(refusal), where
    if refusal:
        assert response.status_code == expected_status(api, refusal, kind, by), where
        assert not writes.statements, where


def test_a_view_that_declares_nothing_is_refused_and_fails_the_check(settings, client, db):
    settings.ROOT_URLCONF = "tests.support.undeclared_urls"
    client.raise_request_exception = False
    assert client.get("/undeclared").status_code == HTTPStatus.FORBIDDEN
    assert client.get("/v2/undeclared").status_code == HTTPStatus.FORBIDDEN
    errors = every_view_declares(None)
    assert [error.id for error in errors] == ["sharing.E001", "sharing.E001"]


def test_a_view_that_does_not_say_which_tokens_it_takes_fails_the_check(settings):
    settings.ROOT_URLCONF = "tests.support.undeclared_urls"
    errors = every_view_says_which_tokens_it_takes(None)
    assert [error.id for error in errors] == ["sharing.E002"] * 3


def test_declarations_name_real_methods():
    for route, pattern in PATTERNS:
        assert set(declared(pattern.callback)) <= {EVERY_METHOD, *METHODS}, route
