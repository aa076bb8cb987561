"""The API's short ways lead where Django's long ones do."""

import io
import json

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import resolve

from console.http.query import parameters
from console.http.responses import BytesResponse, PlainHeaders
from console.http.routing import resolve_view
from resources.kinds import Kind
from sharing.system_checks import iterate_views

ROUTES = [(f"/{route}", pattern) for route, pattern in iterate_views() if route.startswith("v2/")]


def example_of(route, pattern, value):
    for name, converter in pattern.pattern.converters.items():
        kind = type(converter).__name__.removesuffix("Converter").lower()
        route = route.replace(f"<{kind}:{name}>", value)
    # What an including pattern has captured is not among the converters of the included one.
    return route.replace("<str:", "").replace(">", "")


@pytest.mark.parametrize("value", ["abcdefghijklmnop1", "ada~prices", "last", "é %2F"])
def test_every_address_leads_to_the_view_that_django_finds(value):
    assert len(ROUTES) > 100
    for route, pattern in ROUTES:
        path = example_of(route, pattern, value)
        match = resolve(path)
        assert resolve_view(path) == (match.func, match.kwargs), path


@pytest.mark.parametrize("path", ["/v2/", "/v2", "/v2/datasets/x/y", "/v2//", "/v2/v2/datasets", "/v2/datasets\n"])
def test_there_is_nothing_elsewhere(path):
    assert resolve_view(path) is None


@pytest.mark.parametrize(
    "query",
    [
        "",
        "a",
        "a=",
        "=b",
        "a=1&a=2",
        "a=1&&b=2",
        "a=%C3%A9+x",
        "a=é",
        "a=%FF",
        "a=%",
        "a;b=1",
        "&".join(["a=1"] * 1000),
    ],
)
def test_parameters_are_what_django_makes_of_them(query):
    request = RequestFactory().get("/")
    request.META["QUERY_STRING"] = query.encode().decode("latin-1")
    assert parameters(request) == request.GET.dict()


def test_an_answer_has_all_that_django_gives_one():
    answer = BytesResponse(b"{}", {"Content-Type": "application/json"}, 201)
    plain = HttpResponse(b"{}", content_type="application/json", status=201, headers={"Content-Length": "2"})
    assert vars(answer).keys() == vars(plain).keys()
    assert dict(answer.items()) == dict(plain.items())
    assert (answer.content, answer.status_code, answer.reason_phrase, answer.charset) == (
        b"{}",
        201,
        "Created",
        "utf-8",
    )


@pytest.mark.parametrize("value", ["a\nb", "a\rX-Evil: 1"])
def test_no_header_breaks_its_line(value):
    with pytest.raises(ValueError, match="newlines"):
        PlainHeaders({"X-Name": value})
    with pytest.raises(ValueError, match="newlines"):
        PlainHeaders({"Content-Type": "text/plain"})["X-Name"] = value


def test_a_header_that_is_not_ascii_is_encoded():
    assert PlainHeaders({"X-Name": "日本", "X-Other": "a"})["X-Name"].startswith("=?utf-8?")


def served(path, application=None, **environ):
    """Call the application as a server does, and return the status, the headers and the body."""
    if application is None:
        from console.wsgi import application

    started = {}
    path, _, query = path.partition("?")
    answer = application(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "wsgi.input": io.BytesIO(),
            "wsgi.url_scheme": "http",
            **environ,
        },
        lambda status, headers: started.update(status=status, headers=dict(headers)),
    )
    body = b"".join(answer)
    answer.close()
    return started["status"], started["headers"], body


@pytest.mark.django_db(transaction=True)
def test_the_server_gets_what_a_client_gets(api, ada, token_of, make_resource):
    dataset = make_resource(Kind.DATASET, ada, general_access="RESTRICTED")
    token = f"Bearer {token_of(ada)}"
    for path in (f"datasets/{dataset.pk}/items?limit=2", "users/me", "nothing", f"datasets/{dataset.pk}/items?limit=x"):
        expected = api(ada).get(f"/v2/{path}")
        status, headers, body = served(f"/v2/{path}", HTTP_AUTHORIZATION=token)
        assert status.startswith(str(expected.status_code))
        assert (headers, body) == (dict(expected.items()), expected.content)
    assert served(f"/v2/datasets/{dataset.pk}")[0] == "403 Forbidden"
    status, _, body = served("/v2/users/me", HTTP_AUTHORIZATION="Bearer nobody's")
    assert (status, json.loads(body)["error"]["type"]) == ("401 Unauthorized", "user-or-token-not-found")
    assert served("/healthz")[0] == "200 OK"


@pytest.mark.django_db(transaction=True)
def test_the_end_of_a_call_looks_after_the_connection(ada, token_of, make_resource, monkeypatch):
    dataset = make_resource(Kind.DATASET, ada)
    served(f"/v2/datasets/{dataset.pk}/items")
    broken = connection._connections[connection._alias]
    closed = []
    monkeypatch.setattr(broken, "is_usable", lambda: False)
    monkeypatch.setattr(broken, "errors_occurred", True)
    monkeypatch.setattr(broken, "close", lambda: closed.append(broken))
    served(f"/v2/datasets/{dataset.pk}/items")
    assert closed


@pytest.mark.django_db(transaction=True)
def test_other_servers_hear_of_the_end_of_a_call(ada, make_resource):
    """Those of Django give connections back then: else each thread kept one of the pool, until there was none."""
    dataset = make_resource(Kind.DATASET, ada)
    ends = []

    def end(**kwargs):
        ends.append(1)

    request_finished.connect(end)
    try:
        assert served(f"/v2/datasets/{dataset.pk}/items", WSGIHandler())[0] == "200 OK"
        assert len(ends) == 1
        assert served(f"/v2/datasets/{dataset.pk}/items")[0] == "200 OK"
        assert len(ends) == 1
    finally:
        request_finished.disconnect(end)
