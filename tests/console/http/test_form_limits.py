"""The bodies of forms: who may send one is decided first, then how large it is, and only then is it read."""

import inspect
import io
import re
from types import CodeType, FunctionType
from urllib.parse import urlencode

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import get_resolver

from console.http.form_limits import (
    AROUND_A_FILE_BYTES,
    BYTES_PER_CHARACTER,
    BYTES_PER_CHARACTER_IN_MULTIPART,
    SMALL_FORM_BYTES,
    get_form_limit,
)
from console.pages.actors import files as actor_files
from console.pages.actors import source as actor_source
from console.pages.components import run_input_form
from console.pages.components.forms import LONGEST_TEXT
from console.pages.datasets import upload as dataset_upload
from console.pages.key_value_stores import upload as store_upload
from console.pages.schedules import forms as schedule_forms
from resources.kinds import Kind
from resources.models import DatasetChunk, GeneralAccess, Record
from sharing.declare import Public, requirement_for
from sharing.enforcement import reauthorize
from sharing.models import Grant
from sharing.system_checks import iterate_views

pytestmark = pytest.mark.django_db
PAGES = [(route, pattern) for route, pattern in iterate_views(get_resolver()) if not route.startswith("v2/")]
# Forms whose templates say that they are multipart.
MULTIPART_FORMS = (actor_source.FileForm, store_upload.RecordForm)
BOUNDARY = "b"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


class Unread(io.BytesIO):
    """The body of a request that must not be read."""

    def read(self, size=-1):
        raise AssertionError("The body was read.")

    readline = read


def url_of(route):
    """Return an address of a route; nothing is there."""
    return "/" + re.sub(r"<[^>]*>", "x" * 17, re.sub(r"<int:[^>]*>", "1", route))


def send(client, path, length, method="POST", **more):
    environ = {"CONTENT_TYPE": MULTIPART, "CONTENT_LENGTH": str(length), "wsgi.input": Unread(), **more}
    return client.generic(method, path, **environ)


@pytest.mark.parametrize(("route", "pattern"), PAGES, ids=[route for route, _ in PAGES])
def test_no_page_reads_what_an_anonymous_client_must_not_send(route, pattern):
    """Neither its view nor what comes before it, with and without a check against forgery."""
    is_public = (
        isinstance(requirement_for(pattern.callback, "POST"), Public)
        or requirement_for(pattern.callback, "POST") is None
    )
    for client in (Client(), Client(enforce_csrf_checks=True)):
        response = send(client, url_of(route), 10 * 1024**3)
        assert response.status_code == 413 if is_public else response.status_code in (302, 405)


def test_only_views_that_declare_it_take_more_than_a_small_form():
    large = {pattern.callback.__name__ for _, pattern in PAGES if get_form_limit(pattern.callback) > SMALL_FORM_BYTES}
    assert large == {"save", "add", "start", "create", "add_action", "upload", "dialog"}
    files = (dataset_upload.dialog, store_upload.upload, actor_files.add)
    assert all(get_form_limit(view) > AROUND_A_FILE_BYTES for view in files)


def methods_of(view):
    """Return the methods that a view lets through, by the decorators of Django around it."""
    while view is not None:
        named = inspect.getclosurevars(view).nonlocals.get("request_method_list")
        if named:
            return set(named)
        view = getattr(view, "__wrapped__", None)
    return {"POST"}


def forms_of(function, seen):
    """Yield the forms that a view names, itself and by the functions of the console that it calls."""
    function = inspect.unwrap(function)
    if not isinstance(function, FunctionType) or function in seen:
        return
    seen.add(function)
    codes = [function.__code__]
    for code in codes:
        codes += [each for each in code.co_consts if isinstance(each, CodeType)]
        for found in (function.__globals__.get(name) for name in code.co_names):
            if inspect.isclass(found) and issubclass(found, forms.BaseForm):
                yield found
            elif inspect.isfunction(found) and found.__module__.startswith("console."):
                yield from forms_of(found, seen)


def test_each_form_takes_the_largest_value_of_each_of_its_fields(settings):
    """The forms are found by what the views name, so that of a new page is looked at too."""
    found = set()
    for route, pattern in PAGES:
        if "POST" not in methods_of(pattern.callback) or not pattern.callback.__module__.startswith("console."):
            continue
        for form in set(forms_of(pattern.callback, set())):
            found.add(form.__name__)
            per_character = BYTES_PER_CHARACTER_IN_MULTIPART if form in MULTIPART_FORMS else BYTES_PER_CHARACTER
            for name, field in form.base_fields.items():
                length = getattr(field, "max_length", 0) or LONGEST_TEXT
                allowed = min(get_form_limit(pattern.callback), settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
                assert length * per_character <= allowed, (route, form, name)
    assert found >= {
        "InputForm",
        "NewTaskForm",
        "NewScheduleForm",
        "ActionForm",
        "FileForm",
        "RecordForm",
        "RenameForm",
    }


@pytest.mark.parametrize(
    ("path", "fields", "length"),
    [
        ("/tasks/new", {"name": "prices"}, run_input_form.MAX_INPUT),
        ("/schedules/new", {"cron_expression": "@daily", "timezone": "UTC"}, schedule_forms.MAX_INPUT),
    ],
)
@pytest.mark.parametrize("character", ["x", "\U0001f600"], ids=["1 byte", "4 bytes"])
def test_an_input_as_large_as_its_field_is_taken_by_the_dialog(
    ada, signed_in, make_resource, path, fields, length, character
):
    """As a browser sends it, in which each byte of a character outside ASCII is three."""
    actor = make_resource(Kind.ACTOR, ada, name="finder")
    text = '{"text":"' + character * (length - 11) + '"}'
    sent = urlencode({**fields, "actor": actor.pk, "starts": f"actor:{actor.pk}", "input": text})
    response = signed_in(ada).generic("POST", path, sent, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 302, response.content[:2000]


@pytest.mark.parametrize("length", [SMALL_FORM_BYTES + 1, 10**18, 10**30])
def test_a_form_that_is_too_large_is_refused_by_its_length(client, ada, signed_in, length):
    for browser, path in ((client, "/sign-in"), (signed_in(ada), "/storage/datasets/new")):
        response = send(browser, path, length)
        assert response.status_code == 413
        assert "too large" in response.content.decode()


def test_a_form_without_a_length_is_refused(ada, signed_in):
    response = signed_in(ada).generic(
        "POST", "/storage/datasets/new", HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input": Unread()}
    )
    assert response.status_code == 411


def test_a_small_form_is_taken(ada, signed_in):
    filler = "x" * (SMALL_FORM_BYTES - 1000)
    assert signed_in(ada).post("/storage/datasets/new", {"name": "prices", "filler": filler}).status_code == 302


def test_many_fields_and_many_files_are_refused(ada, signed_in, settings):
    browser = signed_in(ada)
    fields = {f"f{number}": "" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}
    files = {f"f{n}": SimpleUploadedFile("a", b"a") for n in range(settings.DATA_UPLOAD_MAX_NUMBER_FILES + 1)}
    for body in (fields, files):
        assert browser.post("/storage/datasets/new", {"name": "prices", **body}).status_code == 400


def test_a_token_against_forgery_is_still_asked_for(ada):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")
    browser.get("/storage/datasets/new")
    token = browser.cookies["csrftoken"].value
    assert browser.post("/storage/datasets/new", {"name": "a"}).status_code == 403
    assert browser.post("/storage/datasets/new", {"name": "a", "csrfmiddlewaretoken": "x" * 64}).status_code == 403
    assert browser.post("/storage/datasets/new", {"name": "a", "csrfmiddlewaretoken": token}).status_code == 302
    assert browser.post("/storage/datasets/new", {"name": "b"}, headers={"X-CSRFToken": token}).status_code == 302


# Uploads are judged again before they are kept


class Slow(io.BytesIO):
    """A body during which access goes and time passes."""

    def __init__(self, data, happens):
        super().__init__(data)
        self._happens = happens

    def read(self, size=-1):
        happens, self._happens = self._happens, lambda: None
        happens()
        return super().read(size)


@pytest.fixture
def access_goes(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(reauthorize, "clock", lambda: now[0])

    def go():
        now[0] += 1
        Grant.objects.all().delete()

    return go


def send_slowly(client, method, path, body, happens):
    content_type = "application/json" if path.startswith("/v2/") else MULTIPART
    environ = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body)), "wsgi.input": Slow(body, happens)}
    return client.generic(method, path, **environ)


def form(**fields):
    parts = []
    for name, value in fields.items():
        extra = '; filename="a.json"' if name == "file" else ""
        parts.append(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n{value}\r\n')
    return ("".join(parts) + f"--{BOUNDARY}--\r\n").encode()


@pytest.mark.parametrize(
    ("kind", "path"), [(Kind.DATASET, "/upload"), (Kind.KEY_VALUE_STORE, "/upload")], ids=["items", "record"]
)
def test_an_upload_by_a_form_is_not_kept_when_access_has_gone(
    ada, ben, signed_in, give, make_resource, access_goes, kind, path
):
    resource = make_resource(kind, ada, general_access=GeneralAccess.RESTRICTED)
    body = form(key="new", file='[{"a":1}]')
    for happens, status in ((access_goes, 404), (lambda: None, 302)):
        give(resource, ben, "WRITE")
        response = send_slowly(signed_in(ben), "POST", f"{resource.console_path}{path}", body, happens)
        assert response.status_code == status
        assert (Record.objects.exists() or DatasetChunk.objects.exists()) is (status == 302)


@pytest.mark.parametrize(
    ("kind", "method", "path"),
    [(Kind.DATASET, "POST", "/items"), (Kind.KEY_VALUE_STORE, "PUT", "/records/KEY")],
    ids=["items", "record"],
)
def test_an_upload_by_the_api_is_not_kept_when_access_has_gone(
    api, ada, ben, give, make_resource, access_goes, kind, method, path
):
    resource = make_resource(kind, ada, general_access=GeneralAccess.RESTRICTED)
    body = b'[{"a":1}]'
    for happens, status in ((access_goes, 403), (lambda: None, 201)):
        give(resource, ben, "WRITE")
        address = f"/v2/{resource.info.api_path}/{resource.pk}{path}"
        response = send_slowly(api(ben), method, address, body, happens)
        assert response.status_code == status
        assert (Record.objects.exists() or DatasetChunk.objects.exists()) is (status == 201)


class Broken(io.BytesIO):
    """The body of a request that does not come."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def read(self, size=-1):
        raise self.error

    readline = read


@pytest.mark.parametrize("content_type", [MULTIPART, "application/x-www-form-urlencoded"])
@pytest.mark.parametrize(("error", "status"), [(TimeoutError(), 408), (ConnectionResetError(), 400)])
@pytest.mark.parametrize("checks_forgery", [True, False])
def test_a_form_that_does_not_come_is_answered_with_a_page(content_type, error, status, checks_forgery, caplog):
    client = Client(enforce_csrf_checks=checks_forgery)
    more = {"wsgi.input": Broken(error), "CONTENT_TYPE": content_type}
    response = send(client, "/sign-in", 100_000, **more)
    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")
    assert not [each for each in caplog.records if each.exc_info]


@pytest.mark.parametrize("checks_forgery", [True, False])
def test_a_record_that_does_not_come_is_answered_with_a_page(ada, make_resource, checks_forgery):
    store = make_resource(Kind.KEY_VALUE_STORE, ada)
    client = Client(enforce_csrf_checks=checks_forgery)
    client.force_login(ada)
    path = f"{store.console_path}/upload"
    assert client.get(path).status_code == 200
    response = send(client, path, 100_000, **{"wsgi.input": Broken(TimeoutError())})
    assert response.status_code == 408
