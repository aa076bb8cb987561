"""The WSGI application that gunicorn or another server serves."""

import os
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.core.cache import close_caches
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries
from django.http import HttpRequest, HttpResponse
from django.utils.log import log_response

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django.setup(set_prefix=False)

# Django must be set up before anything is imported that needs it.
from accounts.deployment.exposure import record_request  # noqa: E402
from accounts.lib.sql import thread_connection  # noqa: E402
from accounts.middleware import API_PREFIX, is_api  # noqa: E402
from console.health import livez  # noqa: E402
from console.http.handler import respond  # noqa: E402
from console.http.joined_socket import HeaderBufferingSocket  # noqa: E402
from console.http.parking import PARKED, Wait  # noqa: E402
from console.http.responses import BytesResponse  # noqa: E402
from console.http.wsgi_request import ApiWSGIRequest  # noqa: E402
from resources.runs.callback_url import parse_caller  # noqa: E402
from sharing.enforcement.reauthorize import get_reauthorizer  # noqa: E402

_LIVEZ = "/livez"


class ApiShortcut:
    """For a handler of Django: a call of the API goes straight to where it is answered, without any middleware."""

    _respond = staticmethod(convert_exception_to_response(respond))

    def close_connection(self) -> None:
        """Give up the connection to the database if it is broken or old, after the answer."""
        thread_connection().close_if_unusable_or_obsolete()

    def get_response(self, request: HttpRequest) -> Any:
        """Return the answer; for the API without the URL configuration of the thread, which is always the one."""
        if request.path_info == _LIVEZ and request.method in ("GET", "HEAD"):
            # Past the middleware, which looks for the session of a browser.
            return livez(request)
        if not is_api(request) and not _take_run_out_of_path(request):
            page = super().get_response(request)  # type: ignore[misc]  # of the handler
            _watch_connection(request)
            return page
        response: HttpResponse = self._respond(request)  # type: ignore[assignment]  # nothing here is asynchronous
        closers: list[Any] = response._resource_closers  # type: ignore[attr-defined]  # the stubs leave it out
        closers += (request.close, self.close_connection)
        if isinstance(response, BytesResponse):  # others signal the end, which costs little beside what they do
            response.ends_quietly = True
        if response.status_code >= 400:
            log_response("%s: %s", response.reason_phrase, request.path, response=response, request=request)
        _watch_connection(request)
        return response


class Application(ApiShortcut, WSGIHandler):
    """Django's application, with the shortcut of the API."""

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Answer a request by WSGI (PEP 3333); one for the API without Django's signals, which have no receivers."""
        parked: Wait | None = environ.get(PARKED)
        if parked is None:
            if environ.get("PATH_INFO") != _LIVEZ:  # it answers without the database
                record_request(environ)
            if not environ.get("PATH_INFO", "").startswith(API_PREFIX):
                return super().__call__(environ, start_response)
        response = self.get_response(ApiWSGIRequest(environ) if parked is None else parked.request)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        file = getattr(response, "file_to_stream", None)
        if file is None or "wsgi.file_wrapper" not in environ:
            return response
        file.close = response.close  # the server closes what it has been given
        return environ["wsgi.file_wrapper"](file, response.block_size)


def _take_run_out_of_path(request: HttpRequest) -> bool:
    """Tell whether a run calls the API by the address that it was given, and if so take the run out of the path."""
    run_id, path = parse_caller(request.path_info)
    if not run_id or not path.startswith(API_PREFIX):
        return False
    request.from_run = run_id  # type: ignore[attr-defined]  # our own attribute
    request.path_info = path
    return True


def _watch_connection(request: HttpRequest) -> None:
    """Have the request judged again also while its client does not read."""
    connection = request.META.get("gunicorn.socket")
    if isinstance(connection, HeaderBufferingSocket) and (judge := get_reauthorizer(request)) is not None:
        connection.watch(judge)


def _look_after_connections_once() -> None:
    """Leave out what Django does around each request that nothing here needs; together it takes as long as a statement.

    It goes through the connections and the caches five times. Once is enough, when the answer has been sent: what is
    wrong with a connection has happened in a request. Queries are noted with DEBUG only, and the caches, which are
    the database and the process, hold nothing open.
    """
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_caches)
    if not settings.DEBUG:
        request_started.disconnect(reset_queries)


application = Application()
_look_after_connections_once()
