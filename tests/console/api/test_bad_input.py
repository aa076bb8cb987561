"""Every endpoint of the API, with everything that a client can get wrong in an address, a query, a header or a body.

No list of endpoints is typed by hand. Nothing answers 500, everything that is refused is refused in the one shape,
and what is refused has changed nothing.
"""

import gzip
import json
import re

import pytest
from django.test import Client

from accounts.models import AuditEvent
from resources.kinds import Kind
from resources.models import Resource
from sharing import grants
from sharing.declare import requirement_for
from sharing.models import Grant
from sharing.permissions import Permission
from sharing.system_checks import iterate_views
from tests.support.factories import make_resource

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
ROUTES = [(route, pattern) for route, pattern in iterate_views() if route.startswith("v2/")]
IDS = [route for route, _ in ROUTES]

ADDRESSES = [
    "..",
    "%2e%2e",
    "..%2F..%2Fetc%2Fpasswd",
    "%00",
    "%FF%FE",
    "%ED%A0%80",
    "%",
    "%zz",
    "~",
    "~~",
    "owner~%00",
    "owner~..",
    "~" + "x" * 5000,
    "0" * 17,
    "'%20OR%201=1--",
    "%F0%9F%94%91",
    "{}",
    "me",
    "%20",
    "%0A",
]
QUERIES = [
    "&&=&&",
    "%",
    "%ZZ=%ZZ",
    "a;b",
    "offset=%00&limit=%00",
    "offset=-1",
    "limit=NaN",
    "limit=" + "9" * 400,
    "desc=perhaps",
    "name=%00",
    "name=%ED%A0%80",
    "name=" + "x" * 5000,
    "name=..%2F..",
    "account=%00",
    "account=%FF",
    "permission=%00",
    "addressedBy=%00",
    "ownership=%00",
    "fields=%00,%FF,,,",
    "fields=" + "a," * 3000,
    "unwind=%00&flatten=%00&omit=%00",
    "format=%00",
    "delimiter=%00",
    "signature=%00",
    "signature=%ED%A0%80",
    "clean=%00&attachment=%00&bom=%00",
    "offset=1&offset=x",
]
BODIES = [
    b"",
    b"\x00",
    b"{",
    b"[]",
    b"null",
    b"5",
    b'"text"',
    b"[1]",
    b"{}",
    b'{"name": "\\u0000", "title": "\\u0000", "generalAccess": "\\u0000", "permissions": ["\\u0000"]}',
    b'{"name": "\\ud800", "title": "\\ud800", "generalAccess": "\\ud800", "permissions": ["\\ud800"]}',
    b'{"name": 1, "title": 1, "generalAccess": 1, "permissions": 1}',
    b'{"name": {}, "title": [], "generalAccess": null, "permissions": {}}',
    b'{"name": 1e999}',
    b'{"permissions": [[]]}',
    b'{"name": "\xff"}',
    b"[" * 100_000,
    b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    b'{"n": ' + b"9" * 5000 + b"}",
    gzip.compress(b"{}"),
]
HEADERS = [
    {"Content-Encoding": "gzip"},
    {"Content-Encoding": "br"},
    {"Content-Encoding": "deflate"},
    {"Content-Encoding": "\xff"},
    {"Content-Type": "\xff\x00"},
    {"Content-Type": "multipart/form-data"},
    {"Content-Type": "multipart/form-data; boundary=\xff"},
    {"Content-Type": "application/json; charset=klingon"},
    {"Transfer-Encoding": "chunked"},
    {"Content-Length": "-1"},
    {"Range": "bytes=5-1,-,9"},
    {"If-None-Match": "\xff", "If-Modified-Since": "yesterday"},
    {"Accept": "\xff", "Accept-Encoding": "\xff", "Accept-Language": "x" * 5000},
    {"X-HTTP-Method-Override": "DELETE"},
    {"Cookie": "sessionid=\xff; csrftoken=%00"},
    {"Host": "evil.example/\xff"},
    {"Origin": "null", "Referer": "\xff"},
    {"X-Forwarded-For": "\xff", "X-Forwarded-Proto": "\xff"},
]


@pytest.fixture
def owner(make_account):
    return make_account("owner")


@pytest.fixture
def things(owner, make_account):
    """One resource of every kind, each with a grant."""
    reader = make_account("reader")
    made = {kind: make_resource(kind, owner, name="prices") for kind in Kind}
    for resource in made.values():
        grants.grant(resource, reader, Permission.READ, by=owner.principal)
    return made


@pytest.fixture
def hit(owner, token_of, things):
    """Make a request, and hold its answer to the rules; a request that succeeds may change something, of course."""
    clients = [Client(headers={"Authorization": f"Bearer {token_of(owner)}"}), Client()]

    def snapshot():
        resources = Resource.objects.order_by("pk").values_list()
        return [*resources, *Grant.objects.order_by("pk").values_list()], AuditEvent.objects.count()

    state = {"before": snapshot()}

    def send(method, url, body=b"", **headers):
        content_type = headers.pop("Content-Type", "application/json")
        for client in clients:
            response = client.generic(method, url, body, content_type, headers=headers)
            where = f"{method} {url[:100]} {body[:40]!r} {headers}: {response.status_code}"
            assert response.status_code < 500, where
            assert "Traceback" not in str(response.headers), where
            if response.status_code >= 400:
                if method != "HEAD":
                    error = json.loads(response.content)["error"]
                    assert error["type"], where
                    assert 0 < len(error["message"]) < 1000, where
                assert snapshot() == state["before"], where
            else:
                for _ in getattr(response, "streaming_content", ()):
                    pass
                state["before"] = snapshot()

    return send


def url_of(route, things, pattern, address=None):
    kind = next((kind for kind, resource in things.items() if f"v2/{resource.info.api_path}/" in route), None)
    if "kind" in (pattern.default_args or {}):
        kind = Kind(pattern.default_args["kind"])
    chosen = address or (things[kind].pk if kind else "reader")

    def value(match):
        return chosen if match[1].rpartition(":")[2] == "address" or address else "reader"

    return "/" + re.sub(r"<([^>]+)>", value, route)


def methods_of(pattern):
    return [method for method in METHODS if requirement_for(pattern.callback, method)]


@pytest.mark.parametrize(
    ("route", "pattern"), [pair for pair in ROUTES if "<" in pair[0]], ids=lambda value: str(value)
)
def test_addresses(route, pattern, things, hit):
    for method in methods_of(pattern):
        for address in ADDRESSES:
            hit(method, url_of(route, things, pattern, address))


@pytest.mark.parametrize(("route", "pattern"), ROUTES, ids=IDS)
def test_queries(route, pattern, things, hit):
    for method in ("GET", "HEAD", "POST"):
        if method in methods_of(pattern):
            for query in QUERIES:
                hit(method, f"{url_of(route, things, pattern)}?{query}")


@pytest.mark.parametrize(("route", "pattern"), ROUTES, ids=IDS)
def test_bodies(route, pattern, things, hit):
    for method in ("POST", "PUT"):
        if method in methods_of(pattern):
            for body in BODIES:
                hit(method, url_of(route, things, pattern), body)


@pytest.mark.parametrize(("route", "pattern"), ROUTES, ids=IDS)
def test_headers(route, pattern, things, hit):
    for method in ("GET", "POST", "PUT"):
        if method in methods_of(pattern):
            for headers in HEADERS:
                body = b"" if method == "GET" else b'{"title": "x"}'
                hit(method, url_of(route, things, pattern), body, **headers)
