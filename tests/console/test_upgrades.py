"""The data of an older version comes through a backup and all migrations: `tests/support/upgrade_stage.py`."""

import json
import re

import pytest

from tests.support.upgrade_questions import (
    BROWSER,
    answers,
    check_what_is_encrypted,
    executed,
    rows_of_november,
    signs_in_with_passkey,
)
from tests.support.upgrade_stage import SECRET, lost, upgraded
from tests.support.work_stage import needs_bubblewrap

QUEUE = "django_tasks_database_dbtaskresult"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The data of November, in this version. The tests here do not change it, but for those at the end."""
    with upgraded(tmp_path_factory.mktemp("upgrade")) as made:
        yield made


def test_tokens_speak_for_whom_they_spoke_for(place):
    code = (
        "import json\nfrom accounts.tokens import UnknownToken, resolve\nfound = {}\n"
        f"for name, text in {place.known['tokens']!r}.items():\n"
        "    try: found[name] = resolve(text).username\n"
        "    except UnknownToken: found[name] = None\n"
        "print(json.dumps(found))"
    )
    assert answers(place, code) == {"everything": "ada", "only prices": "ada", "expired": None, "revoked": None}


def test_a_scoped_token_does_what_it_did_and_nothing_else(place):
    """In November its entry was on all datasets: a field "id" was not read, and WRITE let datasets be created."""
    text = place.known["tokens"]["only prices"]
    code = (
        "import json\nfrom accounts.tokens import resolve\nfrom resources.kinds import Kind\n"
        "from sharing.narrowings.held_back import held_back_from_all, held_back_from_creating\n"
        "from sharing.permissions import Permission\n"
        f"by, found = resolve({text!r}), []\n"
        "for kind in Kind:\n"
        "    found += [f'{kind} {each.name}' for each in Permission if not held_back_from_all(by, each, kind)]\n"
        "    found += [f'{kind} CREATE'] if not held_back_from_creating(by, kind) else []\n"
        "print(json.dumps([found, by.scope.default_run_storages, by.scope.restricts_runs]))"
    )
    assert answers(place, code) == [["dataset READ", "dataset WRITE", "dataset CREATE"], False, True]


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
    check_what_is_encrypted(place)


def test_the_secret_of_each_registered_link_is_found_by_its_digest(place):
    links = place.rows("sharing_signedlink")
    now = place.python("from sharing.signatures import current_fingerprint; print(current_fingerprint())")
    assert len(links) == 4
    assert {link["secret"] for link in links} == {now}


def test_sessions_go_on_and_are_listed(place):
    keys = place.known["sessions"]
    code = (
        f"{BROWSER}\nimport re\nfound = {{}}\nfor name, key in {keys!r}.items():\n"
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


def test_a_passkey_is_as_it_was_and_signs_in(place):
    (before,) = [row for row in rows_of_november("mfa_authenticator") if row["type"] == "webauthn"]
    (after,) = place.rows("mfa_authenticator", type="webauthn")
    kept = after["data"] if isinstance(after["data"], dict) else json.loads(after["data"])
    assert kept == json.loads(before["data"])
    assert kept["name"] == place.known["ben"]["passkey"]["name"]
    assert signs_in_with_passkey(place)


@needs_bubblewrap
def test_a_worker_executes_what_was_queued_before(place):
    assert "resources.work." in str(rows_of_november(QUEUE))
    assert "resources.work." not in str(place.rows(QUEUE))
    build, run = place.known["actor"]["builds"][-1], place.known["runs"]["queued"]
    assert [executed(place, each) for each in (build, run)] == ["SUCCESSFUL", "SUCCESSFUL"]
    (built,) = place.rows("resources_build", resource_ptr_id=build)
    (ran,) = place.rows("resources_run", resource_ptr_id=run)
    assert (built["status"], ran["status"]) == ("SUCCEEDED", "SUCCEEDED")


def test_the_migrations_can_be_taken_back(place):
    before = place.known["ben"]["totpSecret"]
    place.manage("migrate", "--verbosity=0", "resources", "0021")
    place.manage("migrate", "--verbosity=0", "accounts", "0009")
    text = place.text()
    assert before in text
    assert place.known["ben"]["passkey"]["id"] in text
    assert "hunter2" in text
    assert "of-a-webhook" in text
    paths = {row["task_path"] for row in place.rows(QUEUE)}
    assert paths == {row["task_path"] for row in rows_of_november(QUEUE)}
    place.manage("migrate", "--verbosity=0")
    assert {row["task_path"] for row in place.rows(QUEUE)} == {each.replace(".work.", ".worker.") for each in paths}
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
    code = f"{BROWSER}\nprint(json.dumps(signed_in({key!r}).get('/settings/security').status_code))"
    said = place.manage("rotate_secret", "--drop-fallbacks")
    assert "1 fallback dropped" in said
    assert "browser sessions" in said
    assert not (place.data / "secret-key-fallbacks").exists()
    assert "sessions cannot be read" in place.manage("check_data", fails=True)
    assert answers(place, code) == 302
    assert signs_in_with_passkey(place)
    check_what_is_encrypted(place)


def test_what_is_lost_is_named():
    before = {"one": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}], "two": [{"id": 1}], "three": []}
    after = {"one": [{"id": 1, "title": "a"}], "three": []}
    assert lost(before, after) == ["one 1: the column name is gone", "one 2 is gone", "two is gone"]
    assert lost(before, {**before, "one": [{"id": 1, "name": "c"}, {"id": 2, "name": "b"}]}) == ["one 1: name was 'a'"]
    assert lost(before, before) == []
