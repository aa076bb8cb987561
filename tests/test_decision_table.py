"""Every row of the access model's decision table and every consequence listed under it, lived through over HTTP.

For each: who gets in, by the API and on the page, for which reason; who stands just beside it and stays out; and
that taking the reason away closes the door at the next request. All accounts are Restricted, so that nothing is open
by its ID alone where the row is not about that.
"""

import pytest

from resources.datasets.writing import push
from resources.kinds import KINDS, Kind
from resources.models import GeneralAccess, Resource
from sharing import issues
from sharing.models import Issue
from tests.conftest import principal_of

pytestmark = pytest.mark.django_db

IN = (200, 200)
# By its ID a run, build or storage is refused in the open; all else might as well not exist. A page says neither.
OUT, NOT_THERE = (403, 404), (404, 404)
NOBODY_OUT, NOBODY_NOT_THERE = (403, 302), (404, 302)


class People:
    """The cast, each with a client of the API and one of the console."""

    def __init__(self, accounts, api, signed_in, client) -> None:
        self.accounts = accounts
        self._clients = {name: (api(account), signed_in(account)) for name, account in accounts.items()}
        self._clients["nobody"] = (api(), client)

    def api(self, who: str):
        return self._clients[who][0]

    def sees(self, who: str, resource: Resource) -> tuple[int, int]:
        """Return the statuses of the resource in the API and of its page."""
        by_api, by_page = self._clients[who]
        path = f"/v2/{KINDS[Kind(resource.kind)].api_path}/{resource.pk}"
        return by_api.get(path).status_code, by_page.get(resource.console_path).status_code

    def reason(self, who: str, resource: Resource, permission: str = "READ") -> str:
        """Return what the server gives as the reason, as the resource's owner asks it."""
        owner = next(name for name, account in self.accounts.items() if account.pk == resource.owner_id)
        path = f"/v2/{KINDS[Kind(resource.kind)].api_path}/{resource.pk}/access"
        account = "anonymous" if who == "nobody" else who
        answer = self.api(owner).get(path, {"account": account, "permission": permission})
        return answer.json()["data"]["reason"]


@pytest.fixture
def people(ada, ben, cleo, dan, api, signed_in, client) -> People:
    accounts = {"ada": ada, "ben": ben, "cleo": cleo, "dan": dan}
    for account in accounts.values():
        account.general_access = "RESTRICTED"
        account.save()
    return People(accounts, api, signed_in, client)


@pytest.fixture
def actor(dan, make_resource):
    return make_resource(Kind.ACTOR, dan, name="finder")


def publish(actor, public=True):
    actor.is_public = public
    actor.save()


def of(resource) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return how somebody, and how nobody, is kept out of a resource."""
    open_about_it = KINDS[Kind(resource.kind)].general_access
    return (OUT, NOBODY_OUT) if open_about_it else (NOT_THERE, NOBODY_NOT_THERE)


@pytest.mark.parametrize("kind", list(Kind))
def test_1_owner_and_2_grant(people, ada, ben, make_resource, give, kind):
    resource = make_resource(kind, ada, name="prices" if KINDS[kind].storage else None)
    out, nobody_out = of(resource)
    assert people.sees("ada", resource) == IN
    assert people.reason("ada", resource, "WRITE") == "OWNER"
    assert people.sees("ben", resource) == out
    grant = give(resource, ben, "WRITE")
    assert people.sees("ben", resource) == IN
    assert people.reason("ben", resource) == "GRANT"  # any permission implies READ
    assert people.reason("ben", resource, "WRITE") == "GRANT"
    if "MANAGE_ACCESS_RIGHTS" in KINDS[kind].permissions:
        assert people.reason("ben", resource, "MANAGE_ACCESS_RIGHTS") == "NO_ACCESS"
    assert people.sees("cleo", resource) == out
    assert people.sees("nobody", resource) == nobody_out
    people.api("ada").delete(f"/v2/{KINDS[kind].api_path}/{resource.pk}/access-rights/ben")
    assert people.sees("ben", resource) == out
    assert not type(grant).objects.exists()


def test_3_the_builds_of_an_actor_that_one_was_given(people, dan, ben, cleo, actor, make_resource, give):
    build = make_resource(Kind.BUILD, dan, actor_id=actor.pk)
    assert people.sees("ben", build) == OUT
    give(actor, ben, "RUN")
    give(actor, cleo, "BUILD")
    assert people.sees("ben", build) == IN
    assert people.reason("ben", build) == "ACTOR_GRANT"
    assert people.reason("ben", build, "WRITE") == "NO_ACCESS"
    assert people.reason("cleo", build, "WRITE") == "ACTOR_GRANT"
    assert people.api("ben").delete(f"/v2/actor-builds/{build.pk}").status_code == 403
    assert people.api("cleo").delete(f"/v2/actor-builds/{build.pk}").status_code == 204


def test_4_a_public_actor_and_its_builds(people, dan, actor, make_resource):
    build = make_resource(Kind.BUILD, dan, actor_id=actor.pk)
    assert people.sees("nobody", actor) == NOBODY_NOT_THERE
    publish(actor)
    for each in (actor, build):
        assert people.sees("ben", each) == IN
        assert people.sees("nobody", each) == (200, 302)
        assert people.reason("nobody", each) == "PUBLIC_ACTOR"
    assert people.reason("ben", actor, "RUN") == "PUBLIC_ACTOR"
    assert people.reason("nobody", actor, "RUN") == "NO_ACCESS"
    assert people.reason("ben", actor, "WRITE") == "NO_ACCESS"
    assert people.api("nobody").put(f"/v2/actors/{actor.pk}", {}, content_type="application/json").status_code == 401
    publish(actor, public=False)
    assert people.sees("ben", actor) == NOT_THERE
    assert people.sees("ben", build) == OUT


def test_5_a_run_on_an_issue_of_ones_actor(people, ada, actor, make_resource):
    publish(actor)
    run = make_resource(Kind.RUN, ada, actor_id=actor.pk)
    dataset = make_resource(Kind.DATASET, ada, run=run)
    another, named = make_resource(Kind.RUN, ada, actor_id=actor.pk), make_resource(Kind.DATASET, ada, name="own")
    issue = Issue.objects.create(actor=actor, author=ada, title="Prices missing")
    assert people.sees("dan", run) == OUT
    issues.attach_run(issue, run, by=principal_of(ada))
    assert people.sees("dan", run) == people.sees("dan", dataset) == IN
    assert people.reason("dan", run) == "ISSUE"
    assert people.reason("dan", run, "WRITE") == "NO_ACCESS"
    # nothing else is shared by it, and with nobody else
    assert people.sees("dan", another) == people.sees("dan", named) == OUT
    assert people.sees("ben", run) == OUT
    issues.detach_run(issue, by=principal_of(ada))
    assert people.sees("dan", run) == people.sees("dan", dataset) == OUT


@pytest.mark.parametrize("through", ["actor", "task"])
def test_6_the_owners_runs_one_way(people, ada, ben, cleo, make_resource, give, through):
    actor = make_resource(Kind.ACTOR, ada)
    task = make_resource(Kind.TASK, ada, actor_id=actor.pk)
    ids = {"actor_id": actor.pk, "task_id": task.pk}
    of_ada, of_ben, of_cleo = (make_resource(Kind.RUN, each, **ids) for each in (ada, ben, cleo))
    shared = {"actor": actor, "task": task}[through]
    for each in (ben, cleo):
        give(shared, each, "VIEW_OWNER_RUNS")
    assert people.sees("ben", of_ada) == people.sees("cleo", of_ada) == IN
    assert people.reason("ben", of_ada) == "OWNER_RUNS"
    # a collaborator sees the owner's runs, never another collaborator's, and the owner sees no collaborator's
    assert people.sees("ben", of_cleo) == people.sees("cleo", of_ben) == OUT
    assert people.sees("ada", of_ben) == people.sees("ada", of_cleo) == OUT
    assert people.api("ben").delete(f"/v2/actor-runs/{of_ada.pk}").status_code == 403
    give(of_ben, ada, "READ")  # ... unless that collaborator shares them
    assert people.sees("ada", of_ben) == IN


def test_6_to_see_an_actor_is_not_to_see_its_owners_runs(people, ada, ben, make_resource, give):
    actor = make_resource(Kind.ACTOR, ada)
    run = make_resource(Kind.RUN, ada, actor_id=actor.pk)
    give(actor, ben, "READ", "WRITE", "RUN", "BUILD", "MANAGE_ACCESS_RIGHTS")
    assert people.sees("ben", run) == OUT


def test_7_creators_see_the_runs_of_those_who_opted_in(people, ada, ben, actor, make_resource):
    publish(actor)
    of_ada, of_ben = (make_resource(Kind.RUN, each, actor_id=actor.pk) for each in (ada, ben))
    assert people.sees("dan", of_ada) == OUT
    ada.share_runs_with_actor_creators = True
    ada.save()
    assert people.sees("dan", of_ada) == IN  # of before as well
    assert people.reason("dan", of_ada) == "CREATOR_RUNS"
    assert people.sees("dan", of_ben) == people.sees("cleo", of_ada) == OUT
    publish(actor, public=False)
    assert people.sees("dan", of_ada) == OUT
    publish(actor)
    ada.share_runs_with_actor_creators = False
    ada.save()
    assert people.sees("dan", of_ada) == OUT


@pytest.mark.parametrize("kind", [Kind.DATASET, Kind.KEY_VALUE_STORE, Kind.REQUEST_QUEUE])
def test_8_default_storages_go_with_their_run(people, ada, ben, make_resource, give, kind):
    run = make_resource(Kind.RUN, ada, general_access=GeneralAccess.ANYONE_WITH_ID_CAN_READ)
    storage = make_resource(kind, ada, run=run)
    assert people.sees("cleo", storage) == IN  # it follows its run
    assert people.reason("cleo", storage) == "ANYONE_WITH_ID"
    storage.general_access = GeneralAccess.RESTRICTED
    storage.save()
    assert people.sees("cleo", run) == IN
    assert people.sees("cleo", storage) == OUT  # closed to whoever merely has the ID, though the run is open
    give(run, ben, "READ")
    assert people.sees("ben", storage) == IN  # and open to whoever was given the run
    assert people.reason("ben", storage) == "RUN"
    assert people.reason("ben", storage, "WRITE") == "NO_ACCESS"


@pytest.mark.parametrize("kind", [Kind.DATASET, Kind.KEY_VALUE_STORE, Kind.REQUEST_QUEUE])
def test_9_by_name_and_10_by_id(people, ada, make_resource, kind):
    storage = make_resource(kind, ada, name="prices")
    by_name = f"/v2/{KINDS[kind].api_path}/ada~prices"

    def statuses(who: str) -> tuple[int, int]:
        return people.api(who).get(by_name).status_code, people.sees(who, storage)[0]

    for level, expected in (
        (GeneralAccess.RESTRICTED, (404, 403)),
        (GeneralAccess.ANYONE_WITH_ID_CAN_READ, (404, 200)),
        (GeneralAccess.ANYONE_WITH_NAME_CAN_READ, (200, 200)),
        (GeneralAccess.FOLLOW_USER_SETTING, (404, 403)),
    ):
        storage.general_access = level
        storage.save()
        assert statuses("nobody") == statuses("cleo") == expected, level
    ada.general_access = "ANYONE_WITH_ID_CAN_READ"
    ada.save()
    assert statuses("nobody") == statuses("cleo") == (404, 200)


@pytest.mark.parametrize("kind", [Kind.RUN, Kind.BUILD])
def test_10_runs_and_builds_by_id(people, ada, make_resource, kind):
    resource = make_resource(kind, ada)
    assert people.sees("cleo", resource) == OUT
    ada.general_access = "ANYONE_WITH_ID_CAN_READ"
    ada.save()
    assert people.sees("cleo", resource) == IN
    assert people.sees("nobody", resource) == (200, 302)
    resource.general_access = GeneralAccess.RESTRICTED
    resource.save()
    assert people.sees("cleo", resource) == OUT  # the most specific setting wins
    assert people.sees("nobody", resource) == NOBODY_OUT


@pytest.mark.parametrize("kind", [Kind.ACTOR, Kind.TASK, Kind.SCHEDULE])
def test_10_is_not_about_actors_tasks_and_schedules(people, ada, make_resource, kind):
    ada.general_access = "ANYONE_WITH_ID_CAN_READ"
    ada.save()
    resource = make_resource(kind, ada)
    assert people.sees("cleo", resource) == NOT_THERE
    assert people.sees("nobody", resource) == NOBODY_NOT_THERE


def test_11_a_signature_opens_its_content_and_nothing_else(people, ada, make_resource):
    dataset = make_resource(Kind.DATASET, ada)
    push(dataset.pk, b'[{"price": 1}]')
    address = f"/v2/datasets/{dataset.pk}"
    url = people.api("ada").get(address).json()["data"]["itemsPublicUrl"]
    query = url.partition("?")[2]
    assert people.api("nobody").get(f"{address}/items?{query}").json() == [{"price": 1}]
    assert people.api("nobody").get(f"{address}?{query}").status_code == 403
    assert people.api("nobody").get(f"{address}/items").status_code == 403


def test_listed_is_what_explicit_rules_give_and_never_what_a_link_opens(people, ada, ben, dan, actor, make_resource):
    publish(actor)
    ada.share_runs_with_actor_creators = True
    ada.save()
    run = make_resource(Kind.RUN, ada, actor_id=actor.pk)
    dataset = make_resource(Kind.DATASET, ada, run=run)
    make_resource(Kind.DATASET, ben, general_access=GeneralAccess.ANYONE_WITH_ID_CAN_READ)
    listed = people.api("dan").get("/v2/datasets?unnamed=1").json()["data"]["items"]
    assert [each["id"] for each in listed] == [dataset.pk]
    assert people.api("cleo").get("/v2/datasets?unnamed=1").json()["data"]["items"] == []


# What a refusal looks like


def test_refusals_of_the_api(people, ada, ben, make_resource, give):
    dataset = make_resource(Kind.DATASET, ada, name="prices")
    item, push_items = f"/v2/datasets/{dataset.pk}", f"/v2/datasets/{dataset.pk}/items"

    def error(who: str, method: str, path: str) -> tuple[int, str]:
        response = getattr(people.api(who), method)(path)
        return response.status_code, response.json()["error"]["type"]

    for who in ("nobody", "cleo"):
        assert error(who, "get", item) == (403, "insufficient-permissions")
        assert error(who, "get", "/v2/datasets/ada~prices") == (404, "record-not-found")
        assert error(who, "get", f"/v2/datasets/{'0' * 17}") == (404, "record-not-found")
    assert error("nobody", "post", push_items) == (401, "token-not-provided")
    assert error("nobody", "get", "/v2/datasets") == (401, "token-not-provided")
    assert error("cleo", "post", push_items) == (403, "insufficient-permissions")
    give(dataset, ben, "READ")
    assert error("ben", "post", push_items) == (403, "insufficient-permissions")
    assert "Missing permission: WRITE" in people.api("ben").post(push_items).json()["error"]["message"]


@pytest.mark.parametrize("kind", list(Kind))
def test_the_page_says_the_same_of_what_is_missing_and_what_is_not_shared(people, ada, make_resource, signed_in, kind):
    resource = make_resource(kind, ada)
    here = signed_in(people.accounts["cleo"])
    pages = [here.get(f"/{resource.info.console_path}/{id_}") for id_ in (resource.pk, "0" * 17)]
    assert [page.status_code for page in pages] == [404, 404]
    texts = [page.content.decode().replace(resource.pk, "0" * 17) for page in pages]
    assert "cleo" in texts[0]
    for text in ("Ask for access", "not shared with you"):
        assert all(text in each for each in texts)


@pytest.mark.parametrize("kind", list(Kind))
def test_nobody_is_led_through_sign_in_and_back_whatever_the_level(ada, make_resource, client, kind):
    resource = make_resource(kind, ada)
    for id_ in (resource.pk, "0" * 17):
        response = client.get(f"/{resource.info.console_path}/{id_}")
        assert response.status_code == 302
        assert response["Location"] == f"/sign-in?next=/{resource.info.console_path}/{id_}"
