"""Bad input through every form of the accounts pages: an error that says what is wrong, never a 500."""

import io

import pytest
from django.test import Client
from django.urls import URLPattern

from accounts.models import Account
from console.pages.account import urls as account_urls
from console.pages.settings import urls as settings_urls
from console.pages.settings.organization import urls as organization_urls
from sharing.declare import requirement_for
from tests.support.organizations import make_organization
from tests.support.sign_in import sign_in, verify

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]

# Every field that any of these forms reads; each form ignores those of the others.
FIELDS = [
    "login",
    "password",
    "account",
    "member",
    "role",
    "who",
    "username",
    "email",
    "password1",
    "password2",
    "oldpassword",
    "code",
    "credential",
    "name",
    "next",
    "general_access",
    "share_runs",
    "new_actors",
    "skip_approvals",
    "notify_when_shared",
    "lifetime",
    "expires_on",
    "access",
    "scope",
    "ids_dataset",
    "action_add",
    "passwordless",
]
VALUES = {
    "nothing": None,
    "empty": "",
    "NUL": "a\x00b",
    "long": "x" * 10_000,
    "surrogate": b"\xed\xa0\x80",
    "not UTF-8": b"\xff\xfe",
    "control characters": "a\r\nSet-Cookie: b=c\x1b[0m",
    "markup": "<script>alert(1)</script>{{ 7|add:7 }}%s%n",
    "number": "-99999999999999999999999999999999",
    "JSON": '{"id": {"a": [null, "\\ud800"]}}',
    "wide": "\U0001d56c\u202e\u0000\ufeff",
}
IDS = dict.fromkeys(("person_id", "role_id", "invitation_id"), "0" * 17)
ARGUMENTS = IDS | {
    "key": "nonsense",
    "uidb36": "0" * 17,
    "token_id": "0" * 17,
    "pk": "1",
    "session_id": "1",
    "actor_id": "0" * 17,
}


def url_of(pattern: URLPattern, prefix: str) -> str:
    route = str(pattern.pattern)
    for name, value in ARGUMENTS.items():
        for converter in ("str", "int", "account_id"):
            route = route.replace(f"<{converter}:{name}>", value)
    return prefix + route


OF_SETTINGS = [pattern for pattern in settings_urls.urlpatterns if isinstance(pattern, URLPattern)]
URLS = [
    *(url_of(pattern, "/") for pattern in account_urls.urlpatterns),
    *(url_of(pattern, "/settings") for pattern in OF_SETTINGS),
    *(url_of(pattern, "/settings/organization") for pattern in organization_urls.of_organization),
    *(url_of(pattern, "/") for pattern in organization_urls.of_person),
]


def test_the_walk_knows_every_url():
    assert len(URLS) > 30
    assert not any("<" in url for url in URLS)
    of_organizations = [*organization_urls.of_organization, *organization_urls.of_person]
    for pattern in [*account_urls.urlpatterns, *OF_SETTINGS, *of_organizations]:
        assert requirement_for(pattern.callback, "POST")


@pytest.fixture
def clients(ada) -> list[Client]:
    somebody, _ = sign_in(verify(ada))
    somebody.raise_request_exception = False
    acting, _ = sign_in(ada)
    acting.raise_request_exception = False
    acting.post("/organizations/switch", {"account": make_organization(ada).pk})
    return [Client(raise_request_exception=False), somebody, acting]


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
@pytest.mark.parametrize("url", URLS)
def test_bad_values(clients, url, value):
    data = {} if value is None else dict.fromkeys(FIELDS, value)
    body = b"&".join(
        name.encode() + b"=" + (given if isinstance(given, bytes) else _quoted(given)) for name, given in data.items()
    )
    of_acme = f"shown_for={Account.objects.get(username='acme').pk}".encode()
    for client in clients:
        sent = body if client is not clients[-1] else b"&".join(filter(None, (body, of_acme)))
        posted = client.post(url, sent, content_type="application/x-www-form-urlencoded")
        assert posted.status_code < 500, posted.content[-500:]
        got = client.get(f"{url}?{body.decode('latin-1')}")
        assert got.status_code < 500


def _quoted(text: str) -> bytes:
    from urllib.parse import quote_plus

    return quote_plus(text).encode()


@pytest.mark.parametrize(
    "url", ["/sign-in", "/sign-up", "/reset-password", "/settings/integrations", "/settings/email"]
)
def test_bad_bodies(clients, url):
    for client in clients:
        file = io.BytesIO(b"\x00" * 100)
        file.name = "\x00../x"
        for response in (
            client.post(url, {"name": file, "login": file, "email": file, "username": file}),
            client.post(url, b"\x00\xff", content_type="multipart/form-data; boundary=x"),
            client.post(url, b"\x00\xff", content_type="multipart/form-data"),
            client.post(url, b"[]", content_type="application/json"),
            client.generic("POST", url, b"a=" * 500, "application/x-www-form-urlencoded; charset=nonsense"),
            client.post(url, {f"f{i}": "" for i in range(1500)}),
        ):
            assert response.status_code < 500
