"""A run's log says what the run asked the API for and was refused, and only of that run's calls."""

import pytest

from accounts.models import ApiToken
from resources.jobs.status import JobStatus
from resources.kinds import KINDS, Kind
from resources.logs.reading import read
from resources.models import Run
from resources.runs.callback_url import callback_base_url, parse_caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(ada, dan, make_resource):
    """Ada's run of dan's public Actor, at work under a Restricted account."""
    ada.general_access = "RESTRICTED"
    ada.save()
    actor = make_resource(Kind.ACTOR, dan, name="finder", is_public=True)
    return make_resource(Kind.RUN, ada, actor_id=actor.pk, status=JobStatus.RUNNING)


@pytest.fixture
def items(ada, run, make_resource):
    return f"/v2/datasets/{make_resource(Kind.DATASET, ada, run=run).pk}/items"


@pytest.fixture
def with_its_token(ada, run, api):
    """A client that calls as the run does."""
    client = api(ada)
    ApiToken.objects.update(run_id=run.pk)
    return client


def log_of(run) -> str:
    return b"".join(read(run.pk)).decode()


def note_of(run, client, path: str) -> str:
    """Return the note that a call makes which finds nothing, without its time and the path."""
    before = log_of(run)
    assert client.get(path).status_code == 404
    return log_of(run)[len(before) :].partition(" ACCESS: ")[2].replace(path, "")


def path_of(run) -> str:
    return callback_base_url(run.pk).partition("//")[2].partition("/")[2]


# Other clients write into no log


def test_calls_of_others_leave_no_note(run, items, api, cleo):
    assert api(cleo).get(items).status_code == 403
    assert log_of(run) == ""


def test_a_strangers_call_for_what_is_the_runs_own_leaves_no_note_and_uses_none_up(run, items, api, monkeypatch):
    monkeypatch.setattr("console.http.refusal_log.NOTES_PER_HOUR", 1)
    for path in (items, f"/v2/actor-runs/{run.pk}", f"/v2/logs/{run.pk}"):
        assert api().get(path).status_code == 403
    assert log_of(run) == ""
    api().get(f"/{path_of(run)}{items}")
    assert log_of(run).count("ACCESS:") == 1


@pytest.mark.parametrize("wrong", ["x", "0" * 20, "0" * 19])
def test_a_mark_that_is_not_the_runs_leads_nowhere(run, items, api, wrong):
    prefix = f"/from/{run.pk}.{wrong}"
    assert parse_caller(f"{prefix}{items}") == ("", f"{prefix}{items}")
    assert api().get(f"{prefix}{items}").status_code in (302, 404)
    assert log_of(run) == ""


def test_the_address_of_a_run_gives_no_access(run, items, api):
    assert api().get(f"/{path_of(run)}{items}").status_code == 403
    assert api().get(f"/{path_of(run)}/").status_code != 200
    assert api().get(f"/{path_of(run)}/settings").status_code != 200


def test_a_run_that_is_over_gets_no_notes(run, items, api):
    Run.objects.update(status=JobStatus.SUCCEEDED)
    api().get(f"/{path_of(run)}{items}")
    assert log_of(run) == ""


def test_what_is_not_there_is_no_refusal(run, with_its_token, ada, make_resource):
    store = make_resource(Kind.KEY_VALUE_STORE, ada, run=run)
    assert with_its_token.get(f"/v2/key-value-stores/{store.pk}/records/INPUT").status_code == 404
    assert log_of(run) == ""


@pytest.mark.parametrize("address", ["prices", "~prices", "ada~prices", "Ada~prices"])
def test_a_name_of_ones_own_that_is_not_there_yet_is_no_refusal(run, with_its_token, address):
    assert with_its_token.get(f"/v2/datasets/{address}").status_code == 404
    assert log_of(run) == ""


def test_the_log_is_not_flooded(run, items, api, monkeypatch):
    monkeypatch.setattr("console.http.refusal_log.NOTES_PER_HOUR", 3)
    for _ in range(5):
        api().get(f"/{path_of(run)}{items}")
    assert log_of(run).count("ACCESS:") == 3


# What the notes say


def test_a_call_without_a_token_by_the_runs_address(run, items, api):
    assert api().get(f"/{path_of(run)}{items}?limit=1").status_code == 403
    log = log_of(run)
    assert f"ACCESS: GET {items} was refused: 403 insufficient-permissions." in log
    assert "The call had no API token" in log
    assert "Missing: READ on the dataset. It is Restricted as its run is, so its ID alone gives no access." in log


def test_a_restricted_build_of_a_public_actor_is_not_said_to_be_closed(run, with_its_token, ada, make_resource):
    actor = make_resource(Kind.ACTOR, ada, name="mine", is_public=True)
    build = make_resource(Kind.BUILD, ada, actor=actor, general_access="RESTRICTED")
    ApiToken.objects.update(scope=[{"kind": Kind.BUILD, "permissions": ["READ"]}])
    assert with_its_token.get(f"/v2/actor-builds/{build.pk}").status_code == 200
    with_its_token.post(f"/v2/actor-builds/{build.pk}/abort")
    assert "Missing: WRITE on the Actor build." in log_of(run)
    assert "Restricted" not in log_of(run)


def test_a_call_with_the_runs_token_for_what_is_anothers(run, with_its_token, cleo, make_resource):
    cleo.general_access = "RESTRICTED"
    cleo.save()
    dataset = make_resource(Kind.DATASET, cleo)
    assert with_its_token.get(f"/v2/datasets/{dataset.pk}").status_code == 403
    log = log_of(run)
    assert "The API token speaks for ada. Missing: READ on the dataset." in log
    assert "Restricted" not in log  # cleo's settings are cleo's business


def test_a_name_that_is_not_found(run, with_its_token):
    assert with_its_token.get("/v2/datasets/cleo~prices").status_code == 404
    assert "There is no such dataset, or it is not shared." in log_of(run)


@pytest.mark.parametrize("kind", [Kind.ACTOR, Kind.TASK, Kind.SCHEDULE, Kind.DATASET])
def test_what_may_not_be_known_of_is_told_from_nothing_by_no_note(run, with_its_token, cleo, make_resource, kind):
    cleo.general_access = "RESTRICTED"
    cleo.save()
    hidden = make_resource(kind, cleo, name="secret")
    pairs = [("cleo~secret", "cleo~nothing")]
    if not KINDS[kind].general_access:
        pairs.append((hidden.pk, "x" * 17))
    for pair in pairs:
        there, not_there = (note_of(run, with_its_token, f"/v2/{KINDS[kind].api_path}/{each}") for each in pair)
        assert there == not_there != ""


def test_what_is_the_accounts_own_is_known_to_its_run(run, items, api, ada, make_resource):
    actor = make_resource(Kind.ACTOR, ada, name="mine")
    assert "Missing: READ on the Actor." in note_of(run, api(), f"/{path_of(run)}/v2/actors/{actor.pk}")


def test_a_permission_that_is_missing(run, with_its_token, ada, cleo, make_resource, give):
    dataset = make_resource(Kind.DATASET, cleo)
    give(dataset, ada, "READ")
    with_its_token.post(f"/v2/datasets/{dataset.pk}/items", b"[]", content_type="application/json")
    assert "Missing: WRITE on the dataset." in log_of(run)


def test_a_token_that_speaks_for_nobody(run, client):
    headers = {"Authorization": "Bearer nonsense"}
    assert client.get(f"/{path_of(run)}/v2/users/me", headers=headers).status_code == 401
    log = log_of(run)
    assert "401 user-or-token-not-found. The API token is unknown, expired or revoked." in log
    assert "nonsense" not in log


def test_a_path_is_one_word_in_a_note(run, api):
    records = f"/v2/key-value-stores/{'x' * 17}/records"
    api().get(f"/{path_of(run)}{records}/x was refused: 403 x. Go elsewhere\u2028")
    asked = f"GET {records}/x%20was%20refused:%20403%20x.%20Go%20elsewhere%E2%80%A8"
    assert f"ACCESS: {asked} was refused: 40" in log_of(run)


def test_a_call_that_is_allowed_is_answered_as_usual(run, items, with_its_token):
    assert with_its_token.get(f"/{path_of(run)}{items}").json() == []
    assert log_of(run) == ""
