"""Every row of the access model's decision table and every consequence listed under it, lived through over HTTP.

For each: who gets in, by the API and on the page, for which reason; who stands just beside it and stays out; and
that taking the reason away closes the door at the next request. The rows are in `tests/support/decision_rows.py`.
"""

import pytest

from resources.datasets.writing import push
from resources.kinds import KINDS, Kind
from resources.models import GeneralAccess
from sharing.issues import issues
from sharing.models import Grant, Issue
from tests.support.api import ApiClient, message_of
from tests.support.decision_rows import OUT, ROWS, Standing, World, refusals_of

pytestmark = pytest.mark.django_db

MISSING = "0" * 17


class People:
    """The cast, each with a client of the API and one of the console."""

    def __init__(self, accounts, api, signed_in, client) -> None:
        self.accounts = accounts
        self._clients = {name: (api(account), signed_in(account)) for name, account in accounts.items()}
        self._clients["nobody"] = (api(), client)

    def api(self, who: str):
        return self._clients[who][0]

    def sees(self, who: str, standing: Standing) -> tuple[int, int]:
        """Return the statuses of the resource in the API and of its page."""
        by_api, by_page = self._clients[who]
        return by_api.get(standing.api).status_code, by_page.get(standing.page).status_code

    def reason(self, who: str, standing: Standing, permission: str = "READ") -> str:
        """Return what the server gives as the reason, as the resource's owner asks it."""
        resource = standing.resource
        owner = next(name for name, account in self.accounts.items() if account.pk == resource.owner_id)
        asked = {
            "account": "anonymous" if who == "nobody" else who,
            "permission": permission,
            "addressedBy": "NAME" if standing.by_name else "ID",
        }
        answer = self.api(owner).get(f"/v2/{resource.info.api_path}/{resource.pk}/access", asked)
        return answer.json()["data"]["reason"]


@pytest.fixture
def people(ada, ben, cleo, dan, api, signed_in, client) -> People:
    return People({"ada": ada, "ben": ben, "cleo": cleo, "dan": dan}, api, signed_in, client)


@pytest.fixture
def world(ada, ben, cleo, dan, make_resource, give) -> World:
    return World(ada, ben, cleo, dan, make_resource, give).begin()


def statuses(who: str, standing: Standing, reason: str) -> tuple[int, int]:
    """Return what the API and the page answer with, by the tables of the access model."""
    # By its ID a run, build or storage is refused in the open; all else might as well not exist. A page says neither.
    in_the_open = standing.resource.info.general_access and not standing.by_name
    by_api = 200 if reason != OUT else 403 if in_the_open else 404
    by_page = 302 if who == "nobody" else 200 if reason != OUT else 404
    return by_api, by_page


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=f"{name} {n}") for name in ROWS for n, row in enumerate(ROWS[name])]
)
def test_a_row_of_the_table(people, world, row):
    for standing in row(world):
        for who, reason in standing.why.items():
            assert people.sees(who, standing) == statuses(who, standing, reason), (who, standing)
            assert people.reason(who, standing) == reason, (who, standing)
        for (who, permission), reason in standing.may.items():
            assert people.reason(who, standing, permission) == reason, (who, permission, standing)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_grant_that_is_taken_away_over_the_api_is_gone_at_once(people, world, kind):
    standing = Standing(world.make(kind, world.ada), {})
    world.give(standing.resource, world.ben, "WRITE")
    assert people.sees("ben", standing) == (200, 200)
    people.api("ada").delete(f"{standing.api}/access-rights/ben")
    assert people.sees("ben", standing) == statuses("ben", standing, OUT)
    assert not Grant.objects.exists()


def test_what_a_reason_lets_one_do_is_done_and_nothing_else(people, world):
    actor = world.finder()
    build = world.make(Kind.BUILD, world.dan, actor_id=actor.pk)
    world.give(actor, world.ben, "RUN")
    world.give(actor, world.cleo, "BUILD")
    assert people.api("ben").delete(f"/v2/actor-builds/{build.pk}").status_code == 403
    assert people.api("cleo").delete(f"/v2/actor-builds/{build.pk}").status_code == 204
    world.change(actor, is_public=True)
    assert people.api("nobody").put(f"/v2/actors/{actor.pk}", {}, content_type="application/json").status_code == 401
    crawler = world.make(Kind.ACTOR, world.ada)
    run = world.make(Kind.RUN, world.ada, actor_id=crawler.pk)
    world.give(crawler, world.ben, "VIEW_OWNER_RUNS")
    assert people.api("ben").delete(f"/v2/actor-runs/{run.pk}").status_code == 403


def test_only_a_runs_owner_attaches_it_and_only_to_an_issue_of_its_actor(people, world):
    actor, other = world.finder(public=True), world.finder(public=True)
    run = world.make(Kind.RUN, world.ada, actor_id=actor.pk)
    issue, elsewhere = (Issue.objects.create(actor=each, author=world.ada, title="x") for each in (actor, other))
    for where, by in ((issue, world.ben), (issue, world.dan), (elsewhere, world.ada)):
        with pytest.raises(issues.CannotAttach):
            issues.attach_run(where, run, by=by.principal)
    assert people.sees("dan", Standing(run, {})) == (403, 404)


def test_11_a_signature_opens_its_content_and_nothing_else(people, world):
    dataset = world.make(Kind.DATASET, world.ada)
    push(dataset.pk, b'[{"price": 1}]')
    address = f"/v2/datasets/{dataset.pk}"
    url = people.api("ada").get(address).json()["data"]["itemsPublicUrl"]
    query = url.partition("?")[2]
    assert people.api("nobody").get(f"{address}/items?{query}").json() == [{"price": 1}]
    assert people.api("nobody").get(f"{address}?{query}").status_code == 403
    assert people.api("nobody").get(f"{address}/items").status_code == 403


def test_listed_is_what_explicit_rules_give_and_never_what_a_link_opens(people, world):
    actor = world.finder(public=True)
    world.change(world.ada, share_runs_with_actor_creators=True)
    run = world.make(Kind.RUN, world.ada, actor_id=actor.pk)
    dataset = world.make(Kind.DATASET, world.ada, run=run)
    world.make(Kind.DATASET, world.ben, general_access=GeneralAccess.ANYONE_WITH_ID_CAN_READ)
    listed = people.api("dan").get("/v2/datasets?unnamed=1").json()["data"]["items"]
    assert [each["id"] for each in listed] == [dataset.pk]
    assert people.api("cleo").get("/v2/datasets?unnamed=1").json()["data"]["items"] == []


# What a refusal looks like


@pytest.mark.parametrize("kind", list(Kind))
def test_refusals_of_the_api(people, world, kind):
    resource = world.make(kind, world.ada, name="prices")
    world.give(resource, world.ben, "READ")
    for refusal in refusals_of(kind):
        client = ApiClient("nonsense") if refusal.who == "nonsense" else people.api(refusal.who)
        path = refusal.path.format(collection=KINDS[kind].api_path, id=resource.pk, missing=MISSING)
        response = getattr(client, refusal.method.lower())(path)
        error = response.json()["error"]
        assert (response.status_code, error["type"]) == (refusal.status, refusal.type), refusal
        assert ("Missing permission: WRITE" in error["message"]) is (refusal.who == "ben"), refusal


def test_the_refusal_of_a_dataset_to_who_may_read_it_names_what_is_missing(people, world):
    dataset = world.make(Kind.DATASET, world.ada, name="prices")
    world.give(dataset, world.ben, "READ")
    for who, status in (("nobody", 401), ("cleo", 403), ("ben", 403)):
        refused = people.api(who).post(f"/v2/datasets/{dataset.pk}/items")
        assert refused.status_code == status
        assert ("Missing permission: WRITE" in message_of(refused)) is (who == "ben")


@pytest.mark.parametrize("kind", list(Kind))
def test_the_page_says_the_same_of_what_is_missing_and_what_is_not_shared(world, signed_in, kind):
    resource = world.make(kind, world.ada)
    here = signed_in(world.cleo)
    pages = [here.get(f"/{resource.info.console_path}/{id_}") for id_ in (resource.pk, MISSING)]
    assert [page.status_code for page in pages] == [404, 404]
    texts = [page.content.decode().replace(resource.pk, MISSING) for page in pages]
    assert "cleo" in texts[0]
    for text in ("Ask for access", "not shared with you"):
        assert all(text in each for each in texts)


@pytest.mark.parametrize("kind", list(Kind))
def test_nobody_is_led_through_sign_in_and_back_whatever_the_level(ada, make_resource, client, kind):
    resource = make_resource(kind, ada)
    for id_ in (resource.pk, MISSING):
        response = client.get(f"/{resource.info.console_path}/{id_}")
        assert response.status_code == 302
        assert response["Location"] == f"/sign-in?next=/{resource.info.console_path}/{id_}"
