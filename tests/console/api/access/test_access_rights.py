"""Seeing and changing who has access to a resource of any kind, and asking why an account has, over HTTP."""

import json

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import AuditEvent
from resources.kinds import KINDS, Kind
from sharing.issues import issues
from sharing.models import Grant, Issue
from sharing.permissions import Permission
from tests.support.api import error_of, message_of
from tests.support.factories import give

WITH_MANAGERS = [kind for kind, info in KINDS.items() if "MANAGE_ACCESS_RIGHTS" in info.permissions]


def url(resource, rest=""):
    return f"/v2/{resource.info.api_path}/{resource.pk}/access{rest}"


def put(client, resource, account, permissions, **end):
    body = json.dumps({"permissions": permissions, **end})
    return client.put(url(resource, f"-rights/{account}"), body, "application/json")


@pytest.fixture(params=list(Kind))
def resource(request, ada, make_resource):
    """A resource of every kind, open to no other account."""
    return make_resource(request.param, ada, name="thing", general_access="RESTRICTED")


@pytest.fixture
def prices(ada, make_resource):
    return make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")


# Refusals


def test_nobody_and_strangers_and_readers(api, cleo, ben, resource):
    give(resource, ben)
    closed = (403, "insufficient-permissions") if resource.info.general_access else (404, "record-not-found")
    answers = {}
    for name, client in (("nobody", api()), ("stranger", api(cleo)), ("reader", api(ben))):
        answers[name] = {
            error_of(client.get(url(resource, "-rights"))),
            error_of(put(client, resource, "dan", ["READ"])),
            error_of(client.delete(url(resource, "-rights/dan"))),
            error_of(client.get(url(resource, "?account=dan"))),
        }
    assert answers["nobody"] == {(401, "token-not-provided")}
    assert answers["stranger"] == {closed}
    assert answers["reader"] == {(403, "insufficient-permissions")}
    assert error_of(api().get(url(resource))) == (401, "token-not-provided")
    assert error_of(api(cleo).get(url(resource))) == closed
    assert Grant.objects.count() == 1


def test_the_missing_permission_is_named(api, ben, prices):
    give(prices, ben, "WRITE")
    message = api(ben).get(url(prices, "-rights")).json()["error"]["message"]
    assert "Missing permission: MANAGE_ACCESS_RIGHTS" in message


@pytest.mark.parametrize(
    "account", ["nobody-here", "nobody@example.com", "0" * 17, "anonymous", "a%00", "%FF", "a b", "@"]
)
def test_an_account_that_there_is_not(api, ada, prices, account):
    client = api(ada)
    assert error_of(put(client, prices, account, ["READ"])) == (404, "user-not-found")
    assert error_of(client.delete(url(prices, f"-rights/{account}"))) == (404, "user-not-found")
    assert not Grant.objects.exists()


def test_an_account_that_is_not_active(api, ada, ben, prices):
    type(ben).objects.filter(pk=ben.pk).update(is_active=False)
    assert error_of(put(api(ada), prices, "ben", ["READ"])) == (404, "user-not-found")
    assert error_of(api(ada).delete(url(prices, "-rights/ben"))) == (404, "user-not-found")


def test_an_account_that_is_not_active_any_more_loses_its_access_and_gets_no_more(api, ada, ben, prices):
    for called in (ben.pk, "BEN", "ben@example.com"):
        grant = give(prices, ben)
        type(ben).objects.filter(pk=ben.pk).update(is_active=False)
        assert error_of(put(api(ada), prices, called, ["WRITE"])) == (404, "user-not-found")
        assert error_of(api(ada).get(url(prices, f"?account={called}"))) == (404, "user-not-found")
        assert Grant.objects.get() == grant
        assert api(ada).delete(url(prices, f"-rights/{called}")).status_code == 204
        assert not Grant.objects.exists()


@pytest.mark.parametrize("permissions", [[], ["DANCE"], ["READ", ""], ["read"], ["READ WRITE"], ["\x00"]])
def test_a_permission_that_there_is_not(api, ada, ben, prices, permissions):
    assert error_of(put(api(ada), prices, "ben", permissions)) == (400, "unsupported-permission")
    assert not Grant.objects.exists()


def test_a_permission_that_the_kind_does_not_have(api, ada, ben, resource):
    unsupported = {"RUN", "BUILD", "VIEW_OWNER_RUNS", "MANAGE_ACCESS_RIGHTS"} - set(resource.info.permissions)
    for permission in unsupported:
        assert error_of(put(api(ada), resource, "ben", [permission])) == (400, "unsupported-permission")
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    ("body", "type_", "says"),
    [
        ("", "invalid-input", "The body is not valid JSON: it is empty."),
        ("{", "invalid-input", "The body is not valid JSON: Expecting property name"),
        ("[]", "invalid-value", 'Invalid value of "body": Expected `object`, got `array`.'),
        ("{}", "invalid-value", 'Invalid value of "permissions": it is required.'),
        (
            '{"permissions": "READ"}',
            "invalid-value",
            'Invalid value of "permissions": Expected `array`, got `str`.',
        ),
        ('{"permissions": [1]}', "invalid-value", 'Invalid value of "permissions[0]": Expected `str`, got `int`.'),
        ('{"permissions": null}', "invalid-value", 'Invalid value of "permissions": Expected `array`, got `null`.'),
        ('{"permissions": ["\\ud800"]}', "invalid-input", "The body is not valid JSON: "),
    ],
)
def test_a_body_that_is_wrong(api, ada, ben, prices, body, type_, says):
    response = api(ada).put(url(prices, "-rights/ben"), body, "application/json")
    assert error_of(response) == (400, type_)
    assert message_of(response).startswith(says)
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    ("end", "says"),
    [
        ("2020-01-01T00:00:00.000Z", "must be in the future"),
        ("0001-01-01T00:00:00+14:00", "must be in the future"),
        ("9999-12-31T23:59:59-14:00", "before the last day of the year 9999"),
        ("2999-01-01T00:00:00", "timezone"),
        ("2999-01-01", "Invalid RFC3339 encoded datetime"),
        ("", "Invalid RFC3339 encoded datetime"),
        ("never", "Invalid RFC3339 encoded datetime"),
        (0, "got `int`"),
        (True, "got `bool`"),
    ],
)
def test_an_end_that_is_past_or_no_time(api, ada, ben, prices, end, says):
    response = put(api(ada), prices, "ben", ["READ"], expiresAt=end)
    assert error_of(response) == (400, "invalid-value")
    assert '"expiresAt"' in message_of(response)
    assert says in message_of(response)
    assert not Grant.objects.exists()


def test_a_manager_gives_nothing_for_longer_than_it_has_it(api, ada, ben, cleo, prices):
    put(api(ada), prices, "ben", ["MANAGE_ACCESS_RIGHTS"], expiresAt="2999-01-01T00:00:00.000Z")
    for end in ({}, {"expiresAt": None}, {"expiresAt": "2999-01-01T00:00:00.001Z"}):
        refused = put(api(ben), prices, "cleo", ["READ"], **end)
        assert error_of(refused) == (403, "insufficient-permissions")
        assert "longer than you have it" in message_of(refused)
    assert put(api(ben), prices, "cleo", ["READ"], expiresAt="2999-01-01T00:00:00.000Z").status_code == 200


def test_the_owner_needs_no_grant_and_loses_nothing(api, ada, resource):
    for account in ("ada", ada.pk, "ada@example.com", "ADA"):
        assert error_of(put(api(ada), resource, account, ["READ"])) == (400, "cannot-set-access-rights-for-owner")
        response = api(ada).delete(url(resource, f"-rights/{account}"))
        assert error_of(response) == (400, "cannot-set-access-rights-for-owner")
    assert not Grant.objects.exists()


@pytest.mark.parametrize("kind", WITH_MANAGERS)
def test_a_manager_gives_only_what_they_hold(api, ada, ben, cleo, make_resource, kind):
    resource = make_resource(kind, ada)
    give(resource, ben, "MANAGE_ACCESS_RIGHTS")
    refused = put(api(ben), resource, "cleo", ["WRITE"])
    assert error_of(refused) == (403, "insufficient-permissions")
    assert "WRITE" in message_of(refused)
    assert error_of(put(api(ben), resource, "ben", ["WRITE", "MANAGE_ACCESS_RIGHTS"])) == (
        403,
        "insufficient-permissions",
    )
    assert put(api(ben), resource, "cleo", ["MANAGE_ACCESS_RIGHTS"]).status_code == 200
    assert Permission(Grant.objects.get(account=cleo).permissions) == Permission.READ | Permission.MANAGE_ACCESS_RIGHTS


def test_a_scope_to_read_neither_sees_nor_changes_access(api, ada, ben, prices):
    give(prices, ben)
    for owner in (ada, ben):
        scoped = api(owner, scope=[{"kind": "dataset", "permissions": ["READ", "WRITE"]}])
        assert error_of(scoped.get(url(prices, "-rights"))) == (403, "insufficient-permissions")
        assert error_of(put(scoped, prices, "cleo", ["READ"])) == (403, "insufficient-permissions")
        assert error_of(scoped.delete(url(prices, "-rights/ben"))) == (403, "insufficient-permissions")
    assert Grant.objects.filter(account=ben).exists()


def test_a_scope_to_manage_gives_only_what_it_names(api, ada, ben, resource):
    kind = resource.kind
    every = "MANAGE_ACCESS_RIGHTS" in resource.info.permissions
    scoped = api(ada, scope=[{"kind": kind, "permissions": ["MANAGE_ACCESS_RIGHTS"] if every else ["READ"]}])
    refused = put(scoped, resource, "ben", ["WRITE"])
    assert error_of(refused) == (403, "insufficient-permissions")
    assert not Grant.objects.exists()
    if every:
        assert "WRITE" in message_of(refused)
        assert put(scoped, resource, "ben", ["READ"]).status_code == 200


@pytest.mark.parametrize(
    "query",
    ["permission=DANCE", "permission=", "permission=read", "addressedBy=LINK", "addressedBy=", "addressedBy=id"],
)
def test_a_question_that_makes_no_sense(api, ada, prices, query):
    response = api(ada).get(url(prices, f"?{query}"))
    assert error_of(response) == (400, "invalid-value")
    assert query.partition("=")[0] in message_of(response)


def test_a_question_about_nobody_that_there_is(api, ada, prices):
    assert error_of(api(ada).get(url(prices, "?account=nobody-here"))) == (404, "user-not-found")
    assert error_of(api(ada).get(url(prices, "?account="))) == (404, "user-not-found")


def test_going_through_a_list_of_names_is_stopped(api, ada, ben, prices, settings):
    settings.LOOKUP_MISSES = 3
    client = api(ada)
    for number in range(3):
        assert error_of(put(client, prices, f"nobody{number}", ["READ"])) == (404, "user-not-found")
    assert error_of(put(client, prices, "nobody4", ["READ"])) == (429, "rate-limit-exceeded")
    assert error_of(put(client, prices, "ben", ["READ"])) == (429, "rate-limit-exceeded")
    assert not Grant.objects.exists()
    assert put(api(ben), prices, "nobody", ["READ"]).status_code == 403


def test_whoever_was_stopped_still_knows_themselves_the_owner_and_the_grantees(api, ada, ben, cleo, prices, settings):
    settings.LOOKUP_MISSES = 0
    give(prices, ben, "MANAGE_ACCESS_RIGHTS")
    give(prices, cleo)
    client = api(ben)
    assert error_of(put(client, prices, "nobody", ["READ"])) == (429, "rate-limit-exceeded")
    assert error_of(put(client, prices, "dan", ["READ"])) == (429, "rate-limit-exceeded")
    assert error_of(put(client, prices, "ada", ["READ"])) == (400, "cannot-set-access-rights-for-owner")
    assert client.get(url(prices, "?account=cleo")).json()["data"]["reason"] == "GRANT"
    assert put(client, prices, "cleo", ["MANAGE_ACCESS_RIGHTS"]).status_code == 200
    assert client.delete(url(prices, "-rights/CLEO@example.com")).status_code == 204
    assert error_of(client.delete(url(prices, "-rights/cleo"))) == (429, "rate-limit-exceeded")
    for called in ("BEN", ben.pk):
        assert client.delete(url(prices, f"-rights/{called}")).status_code == 204
        give(prices, ben, "MANAGE_ACCESS_RIGHTS")


# Features


@pytest.mark.parametrize("name", ["id", "username", "email", "upper"])
def test_grant_change_and_revoke(api, ada, ben, resource, name):
    called = {"id": ben.pk, "username": "ben", "email": "ben@example.com", "upper": "BEN"}[name]
    response = put(api(ada), resource, called, ["WRITE"])
    assert response.status_code == 200
    data = response.json()["data"]
    assert data.pop("createdAt").endswith("Z")
    assert data == {
        "accountId": ben.pk,
        "username": "ben",
        "permissions": ["READ", "WRITE"],
        "source": "DIRECT",
        "expiresAt": None,
    }
    assert put(api(ada), resource, called, ["READ"]).json()["data"]["permissions"] == ["READ"]
    listed = api(ada).get(url(resource, "-rights")).json()["data"]
    assert [(item["username"], item["permissions"]) for item in listed["items"]] == [("ben", ["READ"])]
    response = api(ada).delete(url(resource, f"-rights/{called}"))
    assert (response.status_code, response.content) == (204, b"")
    assert api(ada).delete(url(resource, f"-rights/{called}")).status_code == 204
    assert not Grant.objects.exists()
    actions = AuditEvent.objects.filter(subject_id=resource.pk).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["grant.created", "grant.changed", "grant.revoked"]


def test_access_that_ends(api, ada, ben, prices):
    """Where nothing is said of its end it stays, and null is never."""
    end = "2999-01-01T00:00:00.000Z"
    for given, kept in (({"expiresAt": end}, end), ({}, end), ({"expiresAt": None}, None), ({}, None)):
        assert put(api(ada), prices, "ben", ["READ"], **given).json()["data"]["expiresAt"] == kept
        [item] = api(ada).get(url(prices, "-rights")).json()["data"]["items"]
        assert item["expiresAt"] == kept


def test_access_that_has_ended_is_none(api, ada, ben, prices):
    put(api(ada), prices, "ben", ["READ"], expiresAt="2999-01-01T00:00:00.000Z")
    assert api(ben).get(f"/v2/datasets/{prices.pk}").status_code == 200
    Grant.objects.update(expires_at=timezone.now())
    assert api(ben).get(f"/v2/datasets/{prices.pk}").status_code == 403
    assert api(ada).get(url(prices, "-rights")).json()["data"]["items"] == []
    assert api(ada).get(url(prices, "?account=ben")).json()["data"]["reason"] == "NO_ACCESS"
    again = put(api(ada), prices, "ben", ["READ"]).json()["data"]
    assert again["expiresAt"] is None
    assert api(ben).get(f"/v2/datasets/{prices.pk}").status_code == 200


def test_whoever_is_newly_given_access_hears_of_it_once(api, ada, ben, prices, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        put(api(ada), prices, "ben", ["READ"])
    with django_capture_on_commit_callbacks(execute=True):
        put(api(ada), prices, "ben", ["WRITE"])
    assert [message.to for message in mail.outbox] == [["ben@example.com"]]
    assert prices.console_url in mail.outbox[0].body


def test_everybody_may_give_up_their_own(api, ben, resource):
    give(resource, ben)
    assert api(ben).delete(url(resource, "-rights/ben")).status_code == 204
    assert not Grant.objects.exists()
    closed = (403, "insufficient-permissions") if resource.info.general_access else (404, "record-not-found")
    assert error_of(api(ben).delete(url(resource, "-rights/ben"))) == closed


def test_by_name_too(api, ada, ben, prices):
    assert api(ada).put(
        "/v2/datasets/~prices/access-rights/ben", '{"permissions": ["READ"]}', "application/json"
    ).json()["data"]["permissions"] == ["READ"]
    assert api(ada).get("/v2/datasets/ada~prices/access-rights").json()["data"]["items"][0]["username"] == "ben"


def test_the_rights_of_a_run_with_an_issue(api, ada, dan, make_resource):
    actor = make_resource(Kind.ACTOR, dan, name="crawler", is_public=True)
    run = make_resource(Kind.RUN, ada, actor=actor, general_access="RESTRICTED")
    dataset = make_resource(Kind.DATASET, ada, run=run)
    issue = Issue.objects.create(actor=actor, author=ada, title="It stops")
    issues.attach_run(issue, run, by=ada.principal)
    data = api(ada).get(url(run, "-rights")).json()["data"]
    assert [(item["username"], item["source"]) for item in data["items"]] == [("dan", "ISSUE")]
    assert (data["generalAccess"], data["effectiveGeneralAccess"], data["inheritedFrom"]) == (
        "RESTRICTED",
        "RESTRICTED",
        None,
    )
    data = api(ada).get(url(dataset, "-rights")).json()["data"]
    assert (data["generalAccess"], data["effectiveGeneralAccess"], data["inheritedFrom"]) == (
        "FOLLOW_USER_SETTING",
        "RESTRICTED",
        "RUN",
    )
    assert api(dan).get(url(run)).json()["data"]["reason"] == "ISSUE"


def test_acts_answers_like_actors(api, ada, ben, make_resource):
    actor = make_resource(Kind.ACTOR, ada, name="crawler")
    rights = f"/v2/acts/{actor.pk}/access-rights"
    assert api(ada).put(f"{rights}/ben", '{"permissions": ["RUN"]}', "application/json").status_code == 200
    assert api(ada).get(rights).json() == api(ada).get(url(actor, "-rights")).json()
    assert api(ben).get("/v2/acts/ada~crawler/access").json()["data"]["reason"] == "GRANT"


def test_why(api, ada, ben, cleo, prices):
    give(prices, ben)

    def ask(client, query=""):
        return client.get(url(prices, f"?{query}")).json()["data"]

    no = {"allowed": False, "reason": "NO_ACCESS", "details": {}, "heldBackBy": None}
    assert ask(api(ada)) == {"allowed": True, "reason": "OWNER", "details": {}, "heldBackBy": None}
    assert ask(api(ada), "permission=WRITE") == {"allowed": True, "reason": "OWNER", "details": {}, "heldBackBy": None}
    assert ask(api(ada), "account=ben") == {"allowed": True, "reason": "GRANT", "details": {}, "heldBackBy": None}
    assert ask(api(ada), "account=ben&permission=WRITE") == no
    assert ask(api(ada), "account=cleo@example.com") == no
    assert ask(api(ada), "account=anonymous") == no
    granted = {"allowed": True, "reason": "GRANT", "details": {}, "heldBackBy": None}
    assert ask(api(ben)) == ask(api(ben), "account=ben") == granted
    assert ask(api(ben), "permission=WRITE") == no
    type(prices).objects.filter(pk=prices.pk).update(general_access="ANYONE_WITH_NAME_CAN_READ")
    assert ask(api(ada), "account=anonymous")["reason"] == "ANYONE_WITH_ID"
    assert ask(api(ada), f"account={cleo.pk}&addressedBy=NAME")["reason"] == "ANYONE_WITH_NAME"


def test_why_names_what_it_comes_from(api, ada, ben, make_resource):
    actor = make_resource(Kind.ACTOR, ada, name="crawler")
    run = make_resource(Kind.RUN, ada, actor=actor, general_access="RESTRICTED")
    dataset = make_resource(Kind.DATASET, ada, run=run)
    give(actor, ben, "VIEW_OWNER_RUNS")
    answer = api(ada).get(url(dataset, "?account=ben")).json()["data"]
    assert (answer["allowed"], answer["reason"]) == (True, "RUN")
    assert answer["details"] == {
        "runId": run.pk,
        "runReason": "OWNER_RUNS",
        "actorId": actor.pk,
        "actorName": "crawler",
    }


def test_a_scope_is_part_of_why(api, ada, prices):
    manage_only_this = [{"kind": "dataset", "permissions": ["MANAGE_ACCESS_RIGHTS"], "resourceId": prices.pk}]
    answer = api(ada, scope=manage_only_this).get(url(prices, "?permission=WRITE")).json()["data"]
    assert (answer["allowed"], answer["reason"], answer["heldBackBy"]) == (False, "NO_ACCESS", "SCOPE")
