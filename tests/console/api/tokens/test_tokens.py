"""`/v2/tokens`: refused first, then made, changed, rotated and revoked."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import tokens
from accounts.lib.timestamps import iso
from accounts.models import ApiToken
from resources.kinds import Kind
from resources.models import Dataset, Run
from resources.runs import starting
from resources.runs.tokens import make_run_token
from tests.support.api import ApiClient, data_of, send
from tests.support.factories import built_actor, make_resource

pytestmark = pytest.mark.django_db
URL = "/v2/tokens"
ALL = [{"kind": kind.value, "permissions": ["READ"], "resourceId": None} for kind in Kind]
CALLS = [
    ("get", ""),
    ("post", ""),
    ("get", "/{}"),
    ("put", "/{}"),
    ("delete", "/{}"),
    ("post", "/{}/rotate"),
]
OF_ONE = [each for each in CALLS if each[1]]


def error(response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["type"]


def is_known(text: str) -> bool:
    try:
        return bool(tokens.resolve(text).account_id)
    except tokens.UnknownToken:
        return False


def make(client, **fields) -> dict:
    return data_of(send(client, "post", URL, {"name": "ci", **fields}))


# Refusals


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_without_a_token_there_are_none(api, method, path):
    assert error(send(api(), method, URL + path.format("0" * 17), {"name": "x"})) == (401, "token-not-provided")


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_scoped_token_never_manages_tokens(api, ada, method, path):
    client = api(ada, scope=ALL)
    token = ApiToken.objects.get()
    answer = send(client, method, URL + path.format(token.pk), {"name": "x"})
    assert error(answer) == (403, "insufficient-permissions")
    assert ApiToken.objects.get().scope is not None
    assert ApiToken.objects.get().revoked_at is None


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_run_never_manages_tokens(api, ada, dan, method, path, own):
    actor = built_actor(ada if own else dan, is_public=not own)
    run = starting.start(actor, by=ada.principal)
    token, _ = tokens.create(ada, "mine", by=ada.principal)
    client = ApiClient(make_run_token(run))
    assert error(send(client, method, URL + path.format(token.pk), {"name": "x"})) == (403, "insufficient-permissions")
    assert ApiToken.objects.filter(run_id="", revoked_at=None).count() == 1


@pytest.mark.parametrize(("method", "path"), OF_ONE)
def test_a_token_of_another_account_is_not_told_from_one_that_is_not_there(api, ada, ben, method, path):
    theirs, text = tokens.create(ben, "theirs", by=ben.principal)
    run = starting.start(built_actor(ada), by=ada.principal)
    make_run_token(run)
    of_run = ApiToken.objects.exclude(run_id="").get()
    revoked, _ = tokens.create(ada, "revoked", by=ada.principal)
    tokens.revoke(revoked, by=ada.principal)
    answers = {
        (answer.status_code, answer.content)
        for id_ in (theirs.pk, of_run.pk, revoked.pk, "0" * 17, "%00", "x")
        for answer in [send(api(ada), method, URL + path.format(id_), {"name": "stolen"})]
    }
    assert len(answers) == 1
    assert {status for status, _ in answers} == {404}
    assert is_known(text)
    theirs.refresh_from_db()
    assert theirs.name == "theirs"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\u0000"}, "name"),
        ({"description": "x" * 161}, "description"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "2099-01-01T00:00:00"}, "expiresAt"),
        ({"expiresAt": "tomorrow"}, "expiresAt"),
        ({"expiresAt": "9999-12-31T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "9999-12-31T23:59:59-12:00"}, "expiresAt"),
        ({"expiresAt": "0001-01-01T00:00:00+12:00"}, "expiresAt"),
        ({"scope": {}}, "scope"),
        ({"scope": {"entries": []}}, "scope.entries"),
        ({"scope": {"entries": [{"kind": "spaceship", "permissions": ["READ"]}]}}, "scope.entries[0].kind"),
        ({"scope": {"entries": [{"kind": "dataset", "permissions": []}]}}, "scope.entries[0].permissions"),
        ({"scope": {"entries": [{"kind": "dataset", "permissions": ["RUN"]}]}}, "scope.entries[0].permissions"),
        ({"scope": {"entries": [{"kind": "run", "permissions": ["CREATE"]}]}}, "scope.entries[0].permissions"),
        ({"scope": {"entries": [ALL[0]] * 101}}, "scope.entries"),
        ({"scope": {"entries": [ALL[0]], "actorRuns": "SOME"}}, "scope.actorRuns"),
        (
            {"scope": {"entries": [{"kind": "dataset", "permissions": ["READ"], "resourceId": "nonsense"}]}},
            "scope.entries[0].resourceId",
        ),
    ],
)
def test_what_a_token_cannot_be(api, ada, fields, named):
    client = api(ada)
    answer = send(client, "post", URL, {"name": "ci", **fields})
    assert error(answer) == (400, "invalid-value")
    assert named.split("[")[0].split(".")[0] in answer.json()["error"]["message"]
    assert ApiToken.objects.count() == 1
    own = ApiToken.objects.get()
    assert send(client, "put", f"{URL}/{own.pk}", fields).status_code == 400


def test_a_token_needs_a_name(api, ada):
    assert error(send(api(ada), "post", URL, {})) == (400, "invalid-value")


def test_what_is_not_shared_is_not_told_from_what_is_not_there(api, ada, ben):
    ben.general_access = "RESTRICTED"
    ben.save()
    hidden = make_resource(Kind.DATASET, ben)
    said = []
    for id_ in (hidden.pk, "0" * 17):
        scope = {"entries": [{"kind": "dataset", "permissions": ["READ"], "resourceId": id_}]}
        answer = send(api(ada), "post", URL, {"name": "ci", "scope": scope})
        assert error(answer) == (400, "invalid-value")
        said.append(answer.json()["error"]["message"].replace(id_, ""))
    assert said[0] == said[1]


def test_the_last_full_token_does_not_reduce_itself(api, ada):
    client = api(ada)
    own = ApiToken.objects.get()
    scope = {"entries": [ALL[0]]}
    answer = send(client, "put", f"{URL}/{own.pk}", {"scope": scope})
    assert error(answer) == (400, "cannot-reduce-last-full-token")
    make(client)
    assert data_of(send(client, "put", f"{URL}/{own.pk}", {"scope": scope}))["scope"]["actorRuns"] == "RESTRICTED"
    assert error(client.get(URL)) == (403, "insufficient-permissions")


def test_a_token_that_ends_makes_none_that_lasts_longer(api, ada):
    soon = timezone.now() + timedelta(days=5)
    lasting, _ = tokens.create(ada, "lasting", by=ada.principal)
    client = api(ada, expires_at=soon)
    for method, path, body in (
        ("post", "", {"name": "new"}),
        ("post", "", {"name": "new", "expiresAt": iso(soon + timedelta(days=1))}),
        ("put", f"/{ApiToken.objects.get(name='test').pk}", {"expiresAt": None}),
        ("put", f"/{lasting.pk}", {"description": "mine"}),
        ("post", f"/{lasting.pk}/rotate", {}),
    ):
        assert error(send(client, method, URL + path, body)) == (403, "insufficient-permissions")
    assert send(client, "post", URL, {"name": "new", "expiresAt": iso(soon - timedelta(days=1))}).status_code == 201


# Made, changed, rotated, revoked


def test_the_text_is_only_in_the_answer_that_makes_it(api, ada):
    client = api(ada)
    made = make(client, description="Nightly.", scope={"entries": [ALL[0]]})
    text = made.pop("token")
    assert is_known(text)
    one = f"{URL}/{made['id']}"
    assert data_of(client.get(one)) == made
    assert text not in (client.get(URL).content + client.get(one).content).decode()
    rotated = data_of(send(client, "post", f"{one}/rotate"))
    assert rotated["token"] not in (client.get(URL).content + client.get(one).content).decode()
    assert is_known(text)
    assert is_known(rotated["token"])
    last = data_of(send(client, "post", f"{one}/rotate", {"formerTextEnds": "AT_ONCE"}))["token"]
    assert [is_known(each) for each in (text, rotated["token"], last)] == [False, False, True]
    assert client.delete(one).status_code == 204
    assert not is_known(last)
    assert client.get(one).status_code == 404


def test_a_change_leaves_what_is_not_given(api, ada):
    client = api(ada)
    dataset = make_resource(Kind.DATASET, ada)
    entries = [{"kind": "dataset", "permissions": ["READ", "WRITE"], "resourceId": dataset.pk}]
    scope = {"entries": entries, "defaultRunStorages": True, "actorRuns": "FULL"}
    made = make(client, scope=scope, expiresAt="2099-01-01T00:00:00.000Z", description="a")
    one = f"{URL}/{made['id']}"
    changed = data_of(send(client, "put", one, {"name": "nightly"}))
    assert (changed["name"], changed["description"], changed["scope"]) == ("nightly", "a", scope)
    assert changed["expiresAt"] == "2099-01-01T00:00:00.000Z"
    dataset.delete()  # what is gone may stay named
    assert (
        data_of(send(client, "put", one, {"scope": {**scope, "actorRuns": "RESTRICTED"}}))["scope"]["entries"]
        == entries
    )
    changed = data_of(send(client, "put", one, {"scope": None, "expiresAt": None, "description": None}))
    assert (changed["scope"], changed["expiresAt"], changed["description"]) == (None, None, "")


def test_entries_of_one_kind_are_put_together(api, ada):
    entries = [{"kind": "dataset", "permissions": [name]} for name in ("CREATE", "WRITE", "WRITE")]
    made = make(api(ada), scope={"entries": entries})
    assert made["scope"]["entries"] == [{"kind": "dataset", "permissions": ["WRITE", "CREATE"], "resourceId": None}]


# What started runs


@pytest.fixture
def starting_token(api, ada):
    """A scoped token that runs an Actor of its own account, with all that its runs may do."""
    scope = [
        {"kind": "actor", "permissions": ["RUN"], "resourceId": None},
        {"kind": "dataset", "permissions": ["READ"], "resourceId": None},
    ]
    return tokens.create(ada, "starting", by=ada.principal, scope=scope, actor_runs="FULL")


def started(text: str, actor) -> ApiClient:
    run_id = data_of(send(ApiClient(text), "post", f"/v2/acts/{actor.pk}/runs"))["id"]
    return ApiClient(make_run_token(Run.objects.get(pk=run_id)))


def test_runs_are_full_where_the_token_may_not_write_their_code(ada, starting_token):
    of_run = started(starting_token[1], built_actor(ada))
    assert send(of_run, "post", "/v2/key-value-stores?name=made").status_code == 201


@pytest.mark.parametrize("permission", ["WRITE", "BUILD"])
@pytest.mark.parametrize("before", [True, False])
def test_an_actor_whose_code_the_token_may_write_sheds_no_scope(ada, starting_token, permission, before):
    token, text = starting_token
    actor = built_actor(ada)
    wider = [*token.scope, {"kind": "actor", "permissions": [permission], "resourceId": actor.pk}]
    if before:
        ApiToken.objects.filter(pk=token.pk).update(scope=wider)
    of_run = started(text, actor)
    ApiToken.objects.filter(pk=token.pk).update(scope=wider)
    assert error(send(of_run, "post", "/v2/key-value-stores?name=made")) == (403, "insufficient-permissions")


def test_an_actor_that_the_token_has_created_sheds_no_scope(ada, starting_token):
    token, text = starting_token
    of_run = started(text, built_actor(ada, created_by_token=token.pk))
    assert error(send(of_run, "post", "/v2/key-value-stores?name=made")) == (403, "insufficient-permissions")


@pytest.mark.parametrize("permission", ["WRITE", "BUILD"])
@pytest.mark.parametrize("on_all", [True, False])
def test_taking_write_from_a_token_gives_its_runs_nothing(api, ada, starting_token, permission, on_all):
    token, text = starting_token
    actor, client = built_actor(ada), api(ada)
    writing = {"kind": "actor", "permissions": ["RUN", permission], "resourceId": None if on_all else actor.pk}
    ApiToken.objects.filter(pk=token.pk).update(scope=[*token.scope, writing])
    of_run = started(text, actor)
    narrow = {"entries": token.scope, "actorRuns": "FULL"}
    assert data_of(send(client, "put", f"{URL}/{token.pk}", {"scope": narrow}))["scope"]["actorRuns"] == "RESTRICTED"
    for each in (of_run, started(text, actor)):
        assert error(send(each, "post", "/v2/key-value-stores?name=made")) == (403, "insufficient-permissions")
    chosen = data_of(send(client, "put", f"{URL}/{token.pk}", {"scope": narrow}))
    assert chosen["scope"]["actorRuns"] == "FULL", "it can be chosen again"


def test_an_edited_scope_is_felt_by_running_runs(api, ada, starting_token):
    token, text = starting_token
    dataset = make_resource(Kind.DATASET, ada, general_access="RESTRICTED")
    client = api(ada)
    narrow = {"entries": [{"kind": "actor", "permissions": ["RUN"]}], "actorRuns": "RESTRICTED"}
    of_run = started(text, built_actor(ada))
    assert of_run.get(f"/v2/datasets/{dataset.pk}").status_code == 200
    data_of(send(client, "put", f"{URL}/{token.pk}", {"scope": narrow}))
    assert of_run.get(f"/v2/datasets/{dataset.pk}").status_code == 403
    reading = {**narrow, "entries": [*narrow["entries"], {"kind": "dataset", "permissions": ["READ"]}]}
    data_of(send(client, "put", f"{URL}/{token.pk}", {"scope": reading}))
    assert of_run.get(f"/v2/datasets/{dataset.pk}").status_code == 200
    assert send(of_run, "put", f"/v2/datasets/{dataset.pk}", {"title": "x"}).status_code == 403


def test_runs_of_a_rotated_token_go_on_and_those_of_a_revoked_one_end_speaking(api, ada, starting_token):
    token, text = starting_token
    of_run = started(text, built_actor(ada))
    data_of(send(api(ada), "post", f"{URL}/{token.pk}/rotate", {"formerTextEnds": "AT_ONCE"}))
    assert of_run.get("/v2/datasets").status_code == 200
    assert api(ada).delete(f"{URL}/{token.pk}").status_code == 204
    assert error(of_run.get("/v2/datasets")) == (401, "user-or-token-not-found")


def test_what_a_token_has_created_stays_in_its_scope_after_a_rotation(api, ada):
    client = api(ada)
    made = make(client, scope={"entries": [{"kind": "dataset", "permissions": ["CREATE"]}]})
    created = data_of(send(ApiClient(made["token"]), "post", "/v2/datasets?name=made"))
    rotated = data_of(send(client, "post", f"{URL}/{made['id']}/rotate", {"formerTextEnds": "AT_ONCE"}))
    assert send(ApiClient(rotated["token"]), "put", f"/v2/datasets/{created['id']}", {"title": "t"}).status_code == 200
    other = make_resource(Kind.DATASET, ada, name="other", general_access="RESTRICTED")
    assert ApiToken.objects.get(pk=made["id"]).pk == Dataset.objects.get(pk=created["id"]).created_by_token
    assert ApiClient(rotated["token"]).get(f"/v2/datasets/{other.pk}").status_code == 403
