"""The API's own way to make a request from what WSGI gives is Django's in all that it sets."""

import io
from typing import Any

import pytest
from django.core.handlers.wsgi import LimitedStream, WSGIRequest

from console.http.wsgi_request import ApiWSGIRequest

USUAL: dict[str, Any] = {
    "REQUEST_METHOD": "get",
    "PATH_INFO": "/v2/datasets/a~b/items",
    "QUERY_STRING": "limit=1",
    "HTTP_HOST": "localhost",
    "CONTENT_TYPE": "application/json; charset=latin-1",
    "wsgi.url_scheme": "http",
}


@pytest.mark.parametrize(
    "unusual",
    [
        {},
        {"SCRIPT_NAME": "", "CONTENT_LENGTH": ""},
        {"CONTENT_LENGTH": "3"},
        {"CONTENT_LENGTH": "many"},
        {"SCRIPT_NAME": "/below"},
        {"SCRIPT_URL": "/below/v2/datasets/a~b/items"},
        {"REDIRECT_URL": "//below//v2/datasets/a~b/items"},
        {"PATH_INFO": "/v2/key-value-stores/a/records/\xc3\xa4"},
        {"PATH_INFO": "/v2/key-value-stores/a/records/\xff"},
        {"PATH_INFO": "/v2//datasets"},
        {"PATH_INFO": ""},
        {"PATH_INFO": "v2/datasets"},
        {"CONTENT_TYPE": "text/plain"},
    ],
)
def test_a_request_has_all_that_djangos_has(unusual: dict[str, str]) -> None:
    ours = ApiWSGIRequest({**USUAL, **unusual, "wsgi.input": io.BytesIO(b"abcdef")})
    djangos = WSGIRequest({**USUAL, **unusual, "wsgi.input": io.BytesIO(b"abcdef")})

    assert _plain(ours) == _plain(djangos)
    assert ours.read() == djangos.read()
    assert ours.GET == djangos.GET
    assert ours.build_absolute_uri() == djangos.build_absolute_uri()


def _plain(request: WSGIRequest) -> dict[str, Any]:
    """Return the attributes of a request, streams by what they have left to give."""
    found = dict(vars(request))
    for name in ("environ", "META"):
        found[name] = {key: value for key, value in found[name].items() if key != "wsgi.input"}
    stream = found["_stream"]
    assert isinstance(stream, LimitedStream)
    found["_stream"] = stream.limit
    return found
