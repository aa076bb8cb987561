"""A new secret where SECRET_KEY gives it, step by step as `rotate_secret` says, and what holds after each step.

The steps are in one test, because each begins where the one before it ended.
"""

from http import HTTPStatus

import pytest

from tests.support.upgrade_questions import BROWSER, answers, check_what_is_encrypted, signs_in_with_passkey
from tests.support.upgrade_stage import SECRET, upgraded

NEW = "the-next-secret-only-for-tests-0123456789-0123456789-0123456789"
OK, FOUND, FORBIDDEN = HTTPStatus.OK, HTTPStatus.FOUND, HTTPStatus.FORBIDDEN


@pytest.fixture
def place(tmp_path):
    """The data of November, on a server whose secret is given by the environment."""
    with upgraded(tmp_path) as made:
        (made.data / "secret-key").unlink()
        made.environment["SECRET_KEY"] = SECRET
        made.python("from resources.models import Resource; Resource.objects.update(general_access='RESTRICTED')")
        yield made


def start_with(place, secret: str, *fallbacks: str) -> None:
    """Let everything that starts from now on be given these secrets."""
    place.environment["SECRET_KEY"] = secret
    place.environment["SECRET_KEY_FALLBACKS"] = ",".join(fallbacks)
    if not fallbacks:
        del place.environment["SECRET_KEY_FALLBACKS"]


def sessions(place, *keys: str) -> list[list[object]]:
    """Use each session for two pages; return both statuses, the key that it has then, and how many the page lists."""
    code = (
        f"{BROWSER}\nfound = []\nfor key in {keys!r}:\n"
        "    client = signed_in(key)\n"
        "    first, page = (client.get('/settings/security') for _ in range(2))\n"
        "    listed = page.context and [each.is_current for each in page.context['sessions']]\n"
        "    now = client.cookies[settings.SESSION_COOKIE_NAME].value\n"
        "    found.append([first.status_code, page.status_code, now, listed])\n"
        "print(json.dumps(found))"
    )
    return answers(place, code)


def signed_links(place) -> dict[str, int]:
    """Return what anybody gets for links of November: one that the console registered, and one on no list."""
    links = place.known["links"]
    code = (
        f"{BROWSER}\nclient, found = Client(), {{}}\n"
        f"id_, signature = {links['content']!r}\n"
        "found['registered'] = client.get(f'/v2/datasets/{id_}/items?limit=1&signature={signature}').status_code\n"
        f"id_, key, signature = {links['signed by a client']!r}\n"
        "found['by a client'] = client.get(\n"
        "    f'/v2/key-value-stores/{id_}/records/{key}?signature={signature}').status_code\n"
        "found['without'] = client.get(f'/v2/key-value-stores/{id_}/records/{key}').status_code\n"
        "print(json.dumps(found))"
    )
    return answers(place, code)


def made_now(place) -> str:
    """Return the path of a link on no list that the server makes for Ada."""
    code = (
        "import json\nfrom accounts.models import Account\nfrom resources.models import Dataset\n"
        "from sharing.links import links\nfrom sharing.access import Access, AddressedBy\n"
        "from sharing.facts import load_facts\nfrom sharing.signatures import SignedContent\n"
        "ada = Account.objects.get(username='ada')\n"
        f"dataset = Dataset.objects.get(pk={place.known['links']['content'][0]!r})\n"
        "access = Access(ada.principal, dataset, load_facts(dataset, ada.pk), AddressedBy.ID)\n"
        "sign = links.signer(access, SignedContent.CONTENT)\n"
        "print(json.dumps(f'/v2/datasets/{dataset.pk}/items?limit=1&signature=' + sign('')))"
    )
    return answers(place, code)


def status(place, path: str) -> int:
    return answers(place, f"{BROWSER}\nprint(json.dumps(Client().get({path!r}).status_code))")


def signs_in_with_app(place) -> bool:
    """Tell whether Ben signs in with the password and a code of the authenticator app of November."""
    secret, password = place.known["ben"]["totpSecret"], place.known["passwords"]["ben"]
    code = (
        f"{BROWSER}\nfrom allauth.mfa.totp.internal import auth\n"
        "settings.ALLOWED_HOSTS = ['localhost']  # elsewhere the published password does not sign in\n"
        "client = Client(headers={'host': 'localhost:8000'})\n"
        f"client.post('/sign-in', {{'login': 'ben', 'password': {password!r}}})\n"
        "counter = next(iter(auth.yield_hotp_counters_from_time()))\n"
        f"code = auth.format_hotp_value(auth.hotp_value({secret!r}, counter))\n"
        "client.post('/sign-in/second-step', {'code': code})\n"
        "print(json.dumps(client.get('/settings/security').status_code == 200))"
    )
    return answers(place, code)


def stored_secrets(place) -> set[str]:
    """Return every encrypted text of the database."""
    code = (
        "import json\nfrom console.encrypted_columns import COLUMNS\nfound = []\n"
        "for column in COLUMNS:\n"
        "    for _, value in column.rows(): column.changed(value, lambda text: found.append(text) or text)\n"
        "print(json.dumps(found))"
    )
    return set(answers(place, code))


def test_a_secret_that_the_environment_gives_is_turned_as_the_command_says(place):
    known = place.known["sessions"]
    before, link = stored_secrets(place), made_now(place)
    said = place.manage("rotate_secret", fails=True)
    assert "Add a new secret to SECRET_KEY_FALLBACKS" in said
    assert not (place.data / "secret-key-next").exists()

    start_with(place, SECRET, NEW)
    place.manage("check_data")
    assert [each[0] for each in sessions(place, known["ada"])] == [OK]

    start_with(place, NEW, SECRET)
    place.manage("check_data")
    check_what_is_encrypted(place)
    ((first, second, key_of_ada, listed),) = sessions(place, known["ada"])
    assert (first, second, listed) == (OK, OK, [True])
    assert signed_links(place) == {"registered": OK, "by a client": OK, "without": FORBIDDEN}
    assert status(place, link) == OK
    assert stored_secrets(place) == before

    said = place.manage("rotate_secret", "--reencrypt")
    assert f"{len(before)} values are encrypted with the secret of now." in said
    assert "others cannot be read" not in said
    assert "take the old secret out of SECRET_KEY_FALLBACKS" in said
    assert "--drop-fallbacks" not in said
    assert not stored_secrets(place) & before
    place.manage("check_data")
    assert signs_in_with_app(place)
    said = place.manage("rotate_secret", "--drop-fallbacks", fails=True)
    assert "SECRET_KEY_FALLBACKS is given by the environment" in said
    later = made_now(place)

    start_with(place, NEW)
    said = place.manage("check_data", fails=True)
    assert "2 sessions cannot be read" in said  # those of Ben, which were not used since
    assert said.rstrip().endswith("1 things are wrong.")
    check_what_is_encrypted(place)
    assert signs_in_with_passkey(place)
    ((first, second, _, listed), (unused, *_)) = sessions(place, key_of_ada, known["ben, elsewhere"])
    assert (first, second, listed) == (OK, OK, [True])
    assert unused == FOUND
    assert signed_links(place) == {"registered": OK, "by a client": FORBIDDEN, "without": FORBIDDEN}
    assert [status(place, path) for path in (link, later)] == [FORBIDDEN, OK]


def test_where_the_old_secret_is_no_fallback_nothing_is_called_done(place):
    start_with(place, NEW)
    said = place.manage("rotate_secret", "--reencrypt", fails=True)
    assert "cannot be read" in said
    assert "add the old secret to SECRET_KEY_FALLBACKS" in said
    start_with(place, NEW, SECRET)
    check_what_is_encrypted(place)
