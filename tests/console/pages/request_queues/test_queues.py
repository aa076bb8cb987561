"""The pages of request queues: who is refused and how, hostile requests, then what they show and do."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from accounts.lib.timestamps import milliseconds
from console.pages.request_queues import request_rows
from console.pages.request_queues import requests as queue_requests
from resources.kinds import Kind
from resources.models import GeneralAccess, QueuedRequest, RequestQueue
from resources.request_queues import clock, head, reading, writing
from resources.request_queues.clients import Client as QueueClient
from resources.request_queues.structs import NewRequest, StoredRequest

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
WORKER = QueueClient(None, "worker")
FIRST, SECOND, THIRD = (f"https://example.com/{number}" for number in (1, 2, 3))
PAGES = ("", "/api", "/requests/{id}")
CHANGES = ("/add", "/unlock", "/rename", "/delete", "/requests/{id}/delete")


def add(queue, *requests):
    return writing.add(queue.pk, requests, client=WORKER)


@pytest.fixture
def queue(ada, make_resource):
    """A queue with a request in each state: the first one handled, the second locked, the third pending."""
    made = make_resource(Kind.REQUEST_QUEUE, ada, name="pages", general_access=GeneralAccess.RESTRICTED)
    add(made, NewRequest(FIRST, FIRST, handled_at=milliseconds(clock.now())), NewRequest(SECOND, SECOND))
    head.lock_head(made.pk, 1, timedelta(hours=1), client=WORKER)
    errors = json.dumps({"errorMessages": ["Timed out", "No answer"], "userData": {"label": "LIST"}})
    add(made, NewRequest(THIRD, THIRD, "POST", retry_count=2, details=errors))
    return RequestQueue.objects.get(pk=made.pk)


@pytest.fixture
def path_of(queue):
    """Make a path below the queue; `{id}` is the third request's."""
    return lambda path: queue.console_path + path.format(id=NewRequest(THIRD, THIRD).id)


def after_deleting_the_queue(original):
    def delete_first(*args, **kwargs):
        RequestQueue.objects.all().delete()
        return original(*args, **kwargs)

    return delete_first


def urls_of(response):
    return {row.request.url for row in response.context["rows"]}


# Refusals


@pytest.mark.parametrize("path", [*PAGES, *CHANGES])
def test_nobody_is_sent_to_sign_in_and_back_whatever_the_level(client, path_of, path):
    RequestQueue.objects.update(general_access=GeneralAccess.ANYONE_WITH_ID_CAN_READ)

    response = client.get(path_of(path))

    assert response.status_code == 302
    assert f"next={path_of(path)}" in response.url


@pytest.mark.parametrize("path", [*PAGES, *CHANGES, "/requests/nothing"])
def test_a_stranger_cannot_tell_it_from_what_does_not_exist(cleo, signed_in, path_of, path, queue):
    browser = signed_in(cleo)

    there = browser.get(path_of(path))
    nowhere = browser.get(path_of(path).replace(queue.pk, "0" * 17))

    assert there.status_code == nowhere.status_code == 404
    assert b"This request queue does not exist or is not shared with you" in there.content
    assert b"example.com/1" not in there.content


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("permissions", [["READ"], ["READ", "MANAGE_ACCESS_RIGHTS"]])
def test_a_reader_has_no_buttons_to_change_it_and_is_refused(ben, signed_in, give, queue, path_of, path, permissions):
    give(queue, ben, *permissions)
    browser = signed_in(ben)
    before = list(QueuedRequest.objects.order_by("id").values())

    for page in (queue.console_path, path_of("/requests/{id}")):
        assert f'href="{path_of(path)}"' not in browser.get(page).content.decode()
    assert browser.get(path_of(path)).status_code == 403
    assert browser.post(path_of(path), {"url": "https://example.com/", "method": "GET"}).status_code == 403
    assert list(QueuedRequest.objects.order_by("id").values()) == before


def test_without_a_csrf_token_nothing_is_changed(ada, path_of):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")

    for path in CHANGES:
        assert browser.post(path_of(path)).status_code == 403
    assert QueuedRequest.objects.count() == 3


@pytest.mark.parametrize("url", ["/storage/request-queues", *PAGES])
def test_what_only_shows_is_not_posted_to(ada, signed_in, path_of, url):
    assert signed_in(ada).post(url if url.startswith("/storage") else path_of(url)).status_code == 405


# Bad input


@pytest.mark.parametrize(
    "query", ["after=%00", "after=a/b", "after=%ff", "after=" + "x" * 5000, "state=%00", "state=done", "state=LOCKED"]
)
def test_a_bad_place_or_state_is_no_error(ada, signed_in, queue, query):
    assert len(signed_in(ada).get(f"{queue.console_path}?{query}").context["rows"]) == 3


@pytest.mark.parametrize("id_", ["nothing", "%00", "x" * 300, "%ff", "%3Cscript%3E", "é"])
@pytest.mark.parametrize("path", ["", "/delete"])
def test_a_request_that_there_is_not_is_said_to_be_missing(ada, signed_in, queue, id_, path):
    browser = signed_in(ada)

    for method in (browser.get, browser.post) if path else (browser.get,):
        response = method(f"{queue.console_path}/requests/{id_}{path}")
        assert response.status_code == 404
        assert b"<script>" not in response.content
    assert QueuedRequest.objects.count() == 3


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"url": ""}, "url"),
        ({"url": "example.com"}, "url"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "ftp://example.com/"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "http://["}, "url"),
        ({"url": "https://example.com/\x00"}, "url"),
        ({"url": "https://example.com/" + "x" * 40_000}, "url"),
        ({"url": FIRST}, "url"),
        ({"url": "https://example.com/new", "unique_key": SECOND}, "unique_key"),
        ({"url": "https://example.com/new", "unique_key": "x" * 40_000}, "unique_key"),
        ({"url": "https://example.com/new", "method": "BREW"}, "method"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_beside_the_field(ada, signed_in, queue, data, field):
    response = signed_in(ada).post(f"{queue.console_path}/add", {"method": "GET", **data}, headers=HTMX)

    assert response.status_code == 422
    assert f'id="id_{field}_error"' in response.content.decode()
    assert QueuedRequest.objects.count() == 3


@pytest.mark.parametrize("path", ["/add", "/unlock", "/requests/{id}/delete"])
def test_a_queue_that_goes_meanwhile_is_said_to_be_gone(ada, signed_in, path_of, path, monkeypatch):
    for module, name in ((writing, "add"), (writing, "delete"), (queue_requests.locks, "unlock_for_everybody")):
        monkeypatch.setattr(module, name, after_deleting_the_queue(getattr(module, name)))

    data = {"url": "https://example.com/new", "method": "GET"}
    response = signed_in(ada).post(path_of(path), data, follow=True)

    assert response.status_code == 404
    assert "This request queue does not exist" in response.content.decode()


# What cannot act


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,<b>", "JAVASCRIPT:x", " javascript:x", "//evil"]
)
def test_what_is_no_address_of_the_web_is_not_made_a_link(ada, signed_in, queue, url):
    add(queue, NewRequest("odd", url, details=json.dumps({"loadedUrl": url})))
    browser = signed_in(ada)

    for page in (queue.console_path, f"{queue.console_path}/requests/{NewRequest('odd', url).id}"):
        text = browser.get(page).content.decode()
        assert f'href="{url}' not in text
        assert "<b>" not in text


def test_what_clients_stored_is_text(ada, signed_in, queue):
    hostile = "<script>alert(1)</script>"
    details = {
        "payload": hostile,
        "headers": {hostile: hostile},
        "userData": {"a": [hostile, "\u0000", 1e300]},
        "errorMessages": [hostile, "\u0000"],
        "noRetry": True,
    }
    add(queue, NewRequest(hostile, f"https://example.com/?{hostile}", details=json.dumps(details)))
    browser = signed_in(ada)

    for page in (queue.console_path, f"{queue.console_path}/requests/{NewRequest(hostile, '').id}"):
        response = browser.get(page)
        assert response.status_code == 200
        assert "<script>alert" not in response.content.decode()


def test_whatever_the_api_takes_can_be_shown(ada, signed_in, api, queue):
    client, browser = api(ada), signed_in(ada)
    for number, fields in enumerate(
        [
            {"payload": {"deep": json.loads("[" * 400 + "]" * 400)}},
            {"userData": {"big": 10**400}, "retryCount": 2**53 - 1},
            {"handledAt": "9998-12-31T23:59:59Z"},
            {"handledAt": "1970-01-01T00:00:00Z", "errorMessages": []},
            {"errorMessages": ["x" * 100_000] * 60, "loadedUrl": ""},
            {"payload": "\u0000" * 50_000, "headers": {}},
        ]
    ):
        body = {"url": "https://example.com/" + "y" * 10_000, "uniqueKey": f"key {number}", **fields}
        path = f"/v2/request-queues/{queue.pk}/requests"
        answer = client.post(path, json.dumps(body), content_type="application/json")
        assert answer.status_code == 201, answer.content[:300]
        shown = browser.get(f"{queue.console_path}/requests/{answer.json()['data']['requestId']}")
        assert shown.status_code == 200
        assert len(shown.content) < 3_000_000
    assert browser.get(queue.console_path).status_code == 200


# The page


def test_it_counts_requests_and_says_how_each_stands(ada, signed_in, queue):
    response = signed_in(ada).get(queue.console_path)

    shown = {
        row.request.url: (row.state.label, row.request.method, row.error_count) for row in response.context["rows"]
    }
    assert shown == {FIRST: ("Handled", "GET", 0), SECOND: ("Locked", "GET", 0), THIRD: ("Pending", "POST", 2)}
    assert response.context["locked_count"] == 1
    text = " ".join(response.content.decode().split())
    assert "<dt>Requests</dt><dd>3</dd>" in text
    assert "<dt>Handled</dt><dd>1</dd>" in text
    assert '<dt>Pending</dt><dd>2 <span class="muted">(1 locked)</span></dd>' in text


@pytest.mark.parametrize(("state", "url"), [("handled", FIRST), ("locked", SECOND), ("pending", THIRD)])
def test_requests_are_filtered_by_their_state(ada, signed_in, queue, state, url):
    assert urls_of(signed_in(ada).get(f"{queue.console_path}?state={state}")) == {url}


def test_a_lock_that_has_expired_is_none(ada, signed_in, queue):
    QueuedRequest.objects.filter(url=SECOND).update(lock_expires_at=1)
    browser = signed_in(ada)

    assert urls_of(browser.get(f"{queue.console_path}?state=pending")) == {SECOND, THIRD}
    assert browser.get(queue.console_path).context["locked_count"] == 0
    assert "No request is locked now" in browser.get(f"{queue.console_path}?state=locked").content.decode()


def test_pages_follow_each_other_until_all_are_shown(ada, signed_in, queue, monkeypatch):
    monkeypatch.setattr("console.pages.request_queues.views.ROWS", 2)
    browser = signed_in(ada)

    first = browser.get(queue.console_path)
    second = browser.get(f"{queue.console_path}?after={first.context['next_after']}")

    assert len(first.context["rows"]) == 2
    assert second.context["next_after"] is None
    assert urls_of(first) | urls_of(second) == {FIRST, SECOND, THIRD}
    assert f"?after={first.context['next_after']}" in first.content.decode()
    assert "First page" in second.content.decode()


def test_the_queries_do_not_grow_with_the_requests(ada, signed_in, queue, django_assert_num_queries):
    browser = signed_in(ada)
    browser.get("/")  # the first request of a session is recorded
    with django_assert_num_queries(7):
        browser.get(queue.console_path)
    add(queue, *(NewRequest(f"{number}", f"https://example.com/{number}") for number in range(60)))
    with django_assert_num_queries(7):
        assert len(browser.get(queue.console_path).context["rows"]) == 50


def test_it_is_found_by_name_and_the_list_counts_requests(ada, signed_in, queue):
    browser = signed_in(ada)

    for address in (queue.pk, "ada~pages", "~pages"):
        assert urls_of(browser.get(f"/storage/request-queues/{address}")) == {FIRST, SECOND, THIRD}
    (row,) = browser.get("/storage/request-queues").context["rows"]
    assert (row.resource.pk, row.count) == (queue.pk, 3)


def test_the_dialogs_of_every_storage_are_there_for_queues(ada, signed_in, queue):
    browser = signed_in(ada)

    browser.post(f"{queue.console_path}/rename", {"name": "urls"})
    assert RequestQueue.objects.get().name == "urls"
    assert f"/v2/request-queues/{queue.pk}/requests" in browser.get(f"{queue.console_path}/api").content.decode()
    assert "with its 3 requests" in browser.get(f"{queue.console_path}/delete").content.decode()
    browser.post(f"{queue.console_path}/delete")
    assert not RequestQueue.objects.exists()


def test_an_empty_queue_says_what_to_do_next(ada, ben, signed_in, make_resource, give):
    made = make_resource(Kind.REQUEST_QUEUE, ada)
    give(made, ben)

    assert "Add a request" in signed_in(ada).get(made.console_path).content.decode()
    assert "Add a request" not in signed_in(ben).get(made.console_path).content.decode()


# A request


def test_all_that_is_known_of_a_request_is_shown(ada, signed_in, path_of):
    response = signed_in(ada).get(path_of("/requests/{id}"))

    row = response.context["row"]
    assert row.errors == ["Timed out", "No answer"]
    assert [(part.label, json.loads(part.text)) for part in row.parts] == [("User data", {"label": "LIST"})]
    assert f'href="{THIRD}"' in response.content.decode()


def test_what_is_long_is_cut():
    details = json.dumps({"payload": "x" * 100_000, "errorMessages": ["e"] * 200, "userData": {"a": ["b"] * 50_000}})

    row = request_rows.build_row(StoredRequest("id", "key", "https://a.b/" + "c" * 9000, "GET", 0, None, None, details))

    assert (len(row.errors), row.error_count) == (request_rows.MAX_ERRORS, 200)
    assert all(part.is_cut and len(part.text) <= request_rows.LONGEST_PART for part in row.parts)
    assert len(row.url.text) < 100


@pytest.mark.parametrize("path", ["/requests/{id}", "/requests/{id}/delete", "/add", "/unlock"])
def test_without_a_script_the_dialogs_are_pages(ada, signed_in, path_of, path):
    browser = signed_in(ada)

    page = browser.get(path_of(path)).content.decode()
    fragment = browser.get(path_of(path), headers=HTMX).content.decode()

    assert "<html" in page
    assert "<h1 " in page
    assert "<html" not in fragment
    assert 'id="dialog-title"' in fragment


# Changes


def test_a_writer_adds_a_request_at_the_end_or_in_front(ben, signed_in, give, queue):
    give(queue, ben, "WRITE")
    browser = signed_in(ben)
    url = f"{queue.console_path}/add"

    response = browser.post(url, {"url": "https://example.com/last", "method": "GET"}, headers=HTMX)
    browser.post(url, {"url": "https://example.com/next", "method": "PUT", "unique_key": "k", "forefront": "on"})

    assert response.headers["HX-Redirect"] == queue.console_path
    waiting = [(each.unique_key, each.url, each.method) for each in head.head(queue.pk, 10)]
    assert waiting == [
        ("k", "https://example.com/next", "PUT"),
        (THIRD, THIRD, "POST"),
        ("https://example.com/last", "https://example.com/last", "GET"),
    ]
    queue.refresh_from_db()
    assert (queue.total_count, queue.pending_count, queue.handled_count) == (5, 4, 1)


def test_a_request_that_is_there_is_not_added_again_and_it_is_said_how_it_stands(ada, signed_in, queue):
    browser = signed_in(ada)

    for url, said in ((FIRST, "has been handled"), (SECOND, "waits to be handled")):
        response = browser.post(f"{queue.console_path}/add", {"url": url, "method": "GET"})
        assert f"It is in the queue already, and {said}." in response.content.decode()


def test_deleting_a_request_asks_and_then_deletes(ada, signed_in, queue, path_of):
    browser = signed_in(ada)

    assert "will be gone" in browser.get(path_of("/requests/{id}/delete")).content.decode()
    assert QueuedRequest.objects.count() == 3
    response = browser.post(path_of("/requests/{id}/delete"), headers=HTMX)

    assert response.headers["HX-Redirect"] == queue.console_path
    assert urls_of(browser.get(queue.console_path)) == {FIRST, SECOND}
    queue.refresh_from_db()
    assert (queue.total_count, queue.handled_count) == (2, 1)
    assert browser.post(path_of("/requests/{id}/delete")).status_code == 404


def test_unlocking_takes_off_the_locks_of_whoever_holds_them(ada, signed_in, queue):
    browser = signed_in(ada)
    assert f'href="{queue.console_path}/unlock"' in browser.get(queue.console_path).content.decode()

    response = browser.post(f"{queue.console_path}/unlock", follow=True)

    assert "1 request unlocked" in response.content.decode()
    assert f'href="{queue.console_path}/unlock"' not in response.content.decode()
    assert reading.count_locked(queue.pk) == 0
    assert [each.url for each in head.head(queue.pk, 10)] == [SECOND, THIRD]
    assert "0 requests unlocked" in browser.post(f"{queue.console_path}/unlock", follow=True).content.decode()
