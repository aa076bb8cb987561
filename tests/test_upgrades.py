"""The data of an older version comes through a backup and all migrations: `tests/upgrade_stage.py`."""

import json
import re
from typing import Any

import pytest

from tests.upgrade_stage import FIXTURES, SECRET, lost, upgraded


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The data of November, in this version. The tests here do not change it, but for those at the end."""
    with upgraded(tmp_path_factory.mktemp("upgrade")) as made:
        yield made


def rows_of_november(table: str) -> list[dict[str, Any]]:
    """Return the rows of a table as November stored them."""
    with (FIXTURES / "november" / "tables.jsonl").open() as lines:
        found = [json.loads(line) for line in lines]
    return [each["row"] for each in found if each.get("table") == table]


def answers(place, code: str):
    """Return what code prints as JSON."""
    return json.loads(place.python(code).splitlines()[-1])


_BROWSER = """
import json
from django.conf import settings
settings.ALLOWED_HOSTS = ["*"]
plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": plain}}
from django.test import Client
from django.test.utils import setup_test_environment
setup_test_environment()  # so that the context of a page can be read
def signed_in(key):
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    return client
"""


def test_tokens_speak_for_whom_they_spoke_for(place):
    code = (
        "import json\nfrom accounts.tokens import UnknownToken, resolve\nfound = {}\n"
        f"for name, text in {place.known['tokens']!r}.items():\n"
        "    try: found[name] = resolve(text).username\n"
        "    except UnknownToken: found[name] = None\n"
        "print(json.dumps(found))"
    )
    assert answers(place, code) == {"everything": "ada", "only prices": "ada", "expired": None, "revoked": None}


def test_nothing_that_is_secret_is_plain_in_the_database(place):
    text = place.text()
    known = place.known
    urls = known["actor"]["sourceUrls"].values()
    hidden = [
        known["ben"]["totpSecret"],
        *known["sessions"].values(),
        "hunter2",
        "of-a-webhook",
        "token=abc123",
        SECRET,
    ]
    assert [each for each in (*hidden, *urls) if each and each in text] == []
    assert not re.search(r'"seed": "[0-9a-f]{80}"|\\"seed\\": \\"[0-9a-f]{80}', text)


def test_what_is_encrypted_is_as_it_was(place):
    code = (
        "import json\nfrom resources.models import ActorVersion, BuildContent, Webhook\n"
        "from resources.builds.source_url import source_url_of\n"
        "from allauth.mfa.models import Authenticator\n"
        "factors = {each.type: each.wrap() for each in Authenticator.objects.all()}\n"
        "from allauth.mfa.utils import decrypt\n"
        "totp = Authenticator.objects.get(type='totp')\n"
        "print(json.dumps({\n"
        "'urls': {v.number: v.source_url for v in ActorVersion.objects.exclude(number='0.1') if v.source_url},\n"
        "'hooks': {w.pk: w.headers_template for w in Webhook.objects.all()},\n"
        "'totp': decrypt(totp.data['secret']),\n"
        "'codes': factors['recovery_codes'].generate_codes(),\n"
        "'unused': len(factors['recovery_codes'].get_unused_codes()),\n"
        "'built': [source_url_of(json.loads(c.source)) for c in BuildContent.objects.all()],\n"
        "}))"
    )
    found, known = answers(place, code), place.known
    assert found["urls"] == known["actor"]["sourceUrls"]
    assert found["hooks"] == known["webhooks"]
    assert (found["totp"], found["codes"]) == (known["ben"]["totpSecret"], known["ben"]["recoveryCodes"])
    assert found["unused"] == len(found["codes"]) - 1
    assert [each for each in found["built"] if each] == [known["actor"]["sourceUrls"]["0.2"]]


def test_the_secret_of_each_registered_link_is_found_by_its_digest(place):
    links = place.rows("sharing_signedlink")
    now = place.python("from sharing.signatures import current_fingerprint; print(current_fingerprint())")
    assert len(links) == 4
    assert {link["secret"] for link in links} == {now}


def test_sessions_go_on_and_are_listed(place):
    keys = place.known["sessions"]
    code = (
        f"{_BROWSER}\nimport re\nfound = {{}}\nfor name, key in {keys!r}.items():\n"
        "    page = signed_in(key).get('/settings/security')\n"
        "    text = page.content.decode()\n"
        "    found[name] = [page.status_code, page.status_code == 200 and page.wsgi_request.user.username,\n"
        "        page.context and [s.is_current for s in page.context['sessions']]]\n"
        "print(json.dumps(found))"
    )
    assert answers(place, code) == {
        "ada": [200, "ada", [True]],
        "ben": [200, "ben", [True, False]],
        "ben, elsewhere": [200, "ben", [True, False]],
    }


def signs_in_with_passkey(place) -> bool:
    """Tell whether Ben signs in with the password and then the passkey that was added in November."""
    key, password = place.known["ben"]["passkey"], place.known["passwords"]["ben"]
    code = (
        f"{_BROWSER}\nfrom tests.passkeys import Passkey\n"
        "settings.PUBLIC_URL = origin = 'http://localhost:8000'\n"
        "settings.ALLOWED_HOSTS = ['localhost']  # elsewhere the published password does not sign in\n"
        "client = Client(headers={'host': 'localhost:8000'})\n"
        f"key = Passkey({key['id']!r}, {key['privateKey']!r})\n"
        f"client.post('/sign-in', {{'login': 'ben', 'password': {password!r}}})\n"
        "options = client.get('/sign-in/second-step').context['js_data']['request_options']\n"
        "answer = json.dumps(key.asserted(options, origin))\n"
        "client.post('/sign-in/second-step', {'credential': answer})\n"
        "page = client.get('/settings/security')\n"
        "print(json.dumps(page.status_code == 200 and page.wsgi_request.user.username == 'ben'))"
    )
    return answers(place, code)


def test_what_the_table_of_sessions_has_opens_nothing(place):
    stored = [
        row["session_key"] for table in ("django_session", "usersessions_usersession") for row in place.rows(table)
    ]
    code = (
        f"{_BROWSER}\nprint(json.dumps([signed_in(key).get('/settings/security').status_code for key in {stored!r}]))"
    )
    assert len(stored) == 6
    assert answers(place, code) == [302] * 6


def test_a_passkey_is_as_it_was_and_signs_in(place):
    (before,) = [row for row in rows_of_november("mfa_authenticator") if row["type"] == "webauthn"]
    (after,) = place.rows("mfa_authenticator", type="webauthn")
    kept = after["data"] if isinstance(after["data"], dict) else json.loads(after["data"])
    assert kept == json.loads(before["data"])
    assert kept["name"] == place.known["ben"]["passkey"]["name"]
    assert signs_in_with_passkey(place)


def test_the_migrations_can_be_taken_back(place):
    before = place.known["ben"]["totpSecret"]
    place.manage("migrate", "--verbosity=0", "resources", "0021")
    place.manage("migrate", "--verbosity=0", "accounts", "0009")
    text = place.text()
    assert before in text
    assert place.known["ben"]["passkey"]["id"] in text
    assert "hunter2" in text
    assert "of-a-webhook" in text
    place.manage("migrate", "--verbosity=0")
    place.manage("check_data")
    assert signs_in_with_passkey(place)


def test_the_secret_is_turned_and_everything_is_read_with_the_new_one(place):
    said = place.manage("rotate_secret")
    assert "nothing changes" in said
    assert (place.data / "secret-key").read_text() == SECRET
    said = place.manage("rotate_secret", "--reencrypt")
    assert "Nothing ends" in said
    new = (place.data / "secret-key").read_text()
    assert new != SECRET
    assert (place.data / "secret-key-fallbacks").read_text() == f"{SECRET}\n"
    place.manage("check_data")
    key = place.known["sessions"]["ada"]
    code = f"{_BROWSER}\nprint(json.dumps(signed_in({key!r}).get('/settings/security').status_code))"
    said = place.manage("rotate_secret", "--drop-fallbacks")
    assert "1 fallback dropped" in said
    assert "browser sessions" in said
    assert not (place.data / "secret-key-fallbacks").exists()
    assert "sessions cannot be read" in place.manage("check_data", fails=True)
    assert answers(place, code) == 302
    assert signs_in_with_passkey(place)
    test_what_is_encrypted_is_as_it_was(place)


def test_what_is_lost_is_named():
    before = {"one": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}], "two": [{"id": 1}], "three": []}
    after = {"one": [{"id": 1, "title": "a"}], "three": []}
    assert lost(before, after) == ["one 1: the column name is gone", "one 2 is gone", "two is gone"]
    assert lost(before, {**before, "one": [{"id": 1, "name": "c"}, {"id": 2, "name": "b"}]}) == ["one 1: name was 'a'"]
    assert lost(before, before) == []
