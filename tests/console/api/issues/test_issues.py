"""`/v2/actors/{id}/issues`: issues of an Actor, and the runs that are attached to them."""

import pytest

from accounts import tokens
from accounts.models import AuditEvent
from accounts.organizations import roles
from resources.kinds import Kind
from resources.models import Actor
from sharing.issues import issues
from sharing.issues.run_urls import parse_run_id
from sharing.mail import share_mail
from sharing.models import Grant, Issue, IssueComment
from tests.support.api import ApiClient, error_of, message_of, send
from tests.support.organizations import acting, join, make_organization

WRITES: tuple[tuple[str, str, dict[str, str | None]], ...] = (
    ("post", "", {"title": "x"}),
    ("put", "/{issue}", {"title": "x"}),
    ("put", "/{issue}", {"state": "CLOSED"}),
    ("put", "/{issue}", {"runUrl": None}),
    ("post", "/{issue}/comments", {"text": "x"}),
    ("delete", "/{issue}", {}),
)
WRONG = ("", " " * 30, "x" * 201, "a\x00b")


@pytest.fixture
def actor(dan, make_resource):
    return make_resource(Kind.ACTOR, dan, name="finder", is_public=True)


@pytest.fixture
def run(ben, actor, make_resource):
    """Ben's run of dan's Actor, under a Restricted account."""
    ben.general_access = "RESTRICTED"
    ben.save()
    return make_resource(Kind.RUN, ben, actor_id=actor.pk)


@pytest.fixture
def issue(actor, ben):
    return issues.report(actor, "Prices missing", "All of them.", by=ben.principal)


@pytest.fixture
def url(actor):
    return f"/v2/actors/{actor.pk}/issues"


# Refusals


def test_issues_of_a_private_actor_do_not_exist_for_others(actor, issue, url, api, cleo):
    actor.is_public = False
    actor.save()
    for client in (api(), api(cleo)):
        for address in (url, f"{url}/{issue.pk}"):
            assert error_of(client.get(address)) == (404, "record-not-found")
    assert error_of(send(api(cleo), "post", url, {"title": "x"})) == (404, "record-not-found")
    assert error_of(send(api(cleo), "post", f"{url}/{issue.pk}/comments", {"text": "x"})) == (404, "record-not-found")


@pytest.mark.parametrize("permissions", [[], ["READ", "VIEW_OWNER_RUNS"], ["READ", "WRITE", "BUILD"]])
@pytest.mark.parametrize("owns", ["issue", "Actor"])
def test_a_role_writes_issues_only_with_run_in_actors(actor, url, ada, ben, cleo, permissions, owns):
    acme = make_organization(ada)
    reader = roles.add(acme, "Reader", {"actors": permissions}, by=acting(ada, acme))
    issue = issues.report(actor, "Prices missing", by=(acme if owns == "issue" else cleo).principal)
    if owns == "Actor":
        Actor.objects.filter(pk=actor.pk).update(owner=acme)
    _, text = tokens.create(acme, "mine", by=join(acme, ben, "Reader"), member_id=ben.pk)
    client = ApiClient(text)
    for method, path, body in WRITES:
        refused = send(client, method, url + path.format(issue=issue.pk), body)
        assert error_of(refused) == (403, "insufficient-permissions")
        assert refused.json()["error"]["data"] == {"heldBackBy": "ROLE", "permission": "RUN", "kind": "actor"}
        assert message_of(refused) == "Your role 'Reader' in acme does not include RUN on Actors."
    (left,) = Issue.objects.all()
    assert (left.title, left.state, left.comments.count()) == ("Prices missing", "OPEN", 0)
    roles.edit(acme, {reader.pk: {"actors": ["READ", "RUN"]}}, by=acting(ada, acme))
    assert send(client, "post", f"{url}/{issue.pk}/comments", {"text": "x"}).status_code == 201


def test_nobody_reads_issues_of_a_public_actor_and_writes_none(issue, url, api):
    assert [each["title"] for each in api().get(url).json()["data"]["items"]] == ["Prices missing"]
    assert api().get(f"{url}/{issue.pk}").status_code == 200
    for method, address, body in (
        ("post", url, {"title": "x"}),
        ("put", f"{url}/{issue.pk}", {"title": "x"}),
        ("delete", f"{url}/{issue.pk}", {}),
        ("post", f"{url}/{issue.pk}/comments", {"text": "x"}),
    ):
        assert error_of(send(api(), method, address, body)) == (401, "token-not-provided")


def test_a_stranger_changes_nothing(issue, url, api, cleo):
    for body in ({"title": "Mine"}, {"state": "CLOSED"}, {"runUrl": None}):
        assert error_of(send(api(cleo), "put", f"{url}/{issue.pk}", body)) == (403, "insufficient-permissions")
    assert error_of(api(cleo).delete(f"{url}/{issue.pk}")) == (403, "insufficient-permissions")
    issue.refresh_from_db()
    assert (issue.title, issue.state) == ("Prices missing", "OPEN")


def test_the_developer_puts_no_words_into_the_authors_mouth(issue, url, api, dan):
    for body in ({"title": "All fine"}, {"description": ""}, {"runUrl": None}, {"title": "x", "state": "CLOSED"}):
        assert error_of(send(api(dan), "put", f"{url}/{issue.pk}", body)) == (403, "insufficient-permissions")


def test_only_ones_own_run_of_this_actor_is_attached(actor, issue, url, api, ben, cleo, make_resource, run):
    of_cleo = make_resource(Kind.RUN, cleo, actor_id=actor.pk)
    other_actor = make_resource(Kind.ACTOR, ben)
    of_other_actor = make_resource(Kind.RUN, ben, actor_id=other_actor.pk)
    dataset = make_resource(Kind.DATASET, ben)
    for wrong, status in (
        (of_cleo.console_url, 403),
        (of_other_actor.console_url, 400),
        (dataset.pk, 404),
        ("0" * 17, 404),
        ("https://elsewhere.example/actors/runs/" + run.pk, 400),
        ("nonsense", 400),
        ("", 400),
    ):
        response = send(api(ben), "put", f"{url}/{issue.pk}", {"runUrl": wrong, "title": "Changed"})
        assert response.status_code == status, wrong
    issue.refresh_from_db()
    assert (issue.title, issue.run_id) == ("Prices missing", None)
    assert not Grant.objects.exists()


def test_somebody_who_may_only_manage_a_run_cannot_attach_it(actor, url, api, cleo, run, give):
    give(run, cleo, "MANAGE_ACCESS_RIGHTS")
    response = send(api(cleo), "post", url, {"title": "Look", "runUrl": run.console_url})
    assert error_of(response) == (400, "invalid-value")
    assert not Issue.objects.exists()


def test_a_token_that_may_not_share_a_run_does_not_attach_it(actor, url, api, ben, run):
    scope = [
        {"kind": "actor", "permissions": ["READ", "WRITE"]},
        {"kind": "run", "permissions": ["READ", "WRITE"]},
    ]
    response = send(api(ben, scope=scope), "post", url, {"title": "Look", "runUrl": run.pk})
    assert error_of(response) == (403, "insufficient-permissions")


@pytest.mark.parametrize("title", WRONG)
def test_a_title_that_is_none_opens_nothing(url, api, ben, title):
    assert error_of(send(api(ben), "post", url, {"title": title})) == (400, "invalid-value")
    assert not Issue.objects.exists()


def test_bad_bodies(issue, url, api, ben):
    for address, body in (
        (url, {}),
        (url, {"title": 1}),
        (url, {"title": "x", "description": "y" * 20_001}),
        (f"{url}/{issue.pk}/comments", {"text": " "}),
        (f"{url}/{issue.pk}/comments", {}),
    ):
        assert send(api(ben), "post", address, body).status_code == 400
    assert send(api(ben), "put", f"{url}/{issue.pk}", {"state": "GONE"}).status_code == 400
    assert send(api(ben), "put", f"{url}/{issue.pk}", {"title": None}).status_code == 400
    assert api(ben).get(f"{url}?state=GONE").status_code == 400
    assert not IssueComment.objects.exists()


def test_an_issue_of_another_actor_is_not_found_here(issue, api, ben, dan, make_resource):
    other = make_resource(Kind.ACTOR, dan, is_public=True)
    for wrong in (f"/v2/actors/{other.pk}/issues/{issue.pk}", f"/v2/actors/{other.pk}/issues/%00"):
        assert error_of(api(ben).get(wrong)) == (404, "record-not-found")


def test_writing_is_limited(url, api, ben, monkeypatch):
    monkeypatch.setattr("sharing.policies.issue_rules.WRITES_PER_HOUR", 2)
    client = api(ben)
    assert [send(client, "post", url, {"title": "x"}).status_code for _ in range(3)] == [201, 201, 429]


# What it does


def test_an_issue_from_beginning_to_end(actor, url, api, ben, dan, run, commits, mailoutbox):
    made = send(api(ben), "post", url, {"title": " Prices  missing ", "description": "All.", "runUrl": run.console_url})
    data = made.json()["data"]
    assert made.status_code == 201
    assert made["Location"].endswith(f"{url}/{data['id']}")
    assert (data["title"], data["state"], data["runId"]) == ("Prices missing", "OPEN", run.pk)
    assert data["author"] == {"userId": ben.pk, "username": "ben"}
    assert api(dan).get(f"/v2/actor-runs/{run.pk}").status_code == 200
    one = f"{url}/{data['id']}"
    said = send(api(dan), "post", f"{one}/comments", {"text": "Which shop?"})
    assert (said.status_code, said.json()["data"]["author"]["username"]) == (201, "dan")
    closed = send(api(dan), "put", one, {"state": "CLOSED"}).json()["data"]
    assert [(each["text"], each["state"]) for each in closed["comments"]] == [("Which shop?", None), ("", "CLOSED")]
    assert closed["commentCount"] == 1
    to = [(message.to[0].partition("@")[0], message.subject) for message in mailoutbox]
    assert ("dan", "finder: Prices missing") in to
    assert to.count(("ben", "finder: Prices missing")) == 2
    assert [each["id"] for each in api(ben).get(f"{url}?state=CLOSED").json()["data"]["items"]] == [data["id"]]
    assert api(ben).get(f"{url}?state=OPEN").json()["data"]["total"] == 0


def test_taking_the_run_off_ends_the_developers_access(actor, url, api, ben, dan, run):
    issue = send(api(ben), "post", url, {"title": "Look", "runUrl": run.pk}).json()["data"]
    assert api(dan).get(f"/v2/actor-runs/{run.pk}").status_code == 200
    send(api(ben), "put", f"{url}/{issue['id']}", {"runUrl": None})
    assert api(dan).get(f"/v2/actor-runs/{run.pk}").status_code == 403


def test_deleting_an_issue_ends_the_developers_access(actor, url, api, ben, dan, run):
    issue = send(api(ben), "post", url, {"title": "Look", "runUrl": run.pk}).json()["data"]
    assert api(dan).delete(f"{url}/{issue['id']}").status_code == 204
    assert api(dan).get(f"/v2/actor-runs/{run.pk}").status_code == 403
    assert AuditEvent.objects.filter(action="issue.deleted", account_id=ben.pk).exists()


def test_another_run_takes_the_place_of_the_first(actor, url, api, ben, dan, run, make_resource):
    second = make_resource(Kind.RUN, ben, actor_id=actor.pk)
    issue = send(api(ben), "post", url, {"title": "Look", "runUrl": run.pk}).json()["data"]
    send(api(ben), "put", f"{url}/{issue['id']}", {"runUrl": f"/v2/actor-runs/{second.pk}"})
    assert api(dan).get(f"/v2/actor-runs/{run.pk}").status_code == 403
    assert api(dan).get(f"/v2/actor-runs/{second.pk}").status_code == 200


def test_an_attached_run_is_named_to_its_owner_and_to_the_developer_alone(actor, url, api, ben, cleo, dan, run):
    issue = send(api(ben), "post", url, {"title": "Look", "runUrl": run.pk}).json()["data"]
    seen = {
        who: client.get(f"{url}/{issue['id']}").json()["data"]["runId"]
        for who, client in {"ben": api(ben), "dan": api(dan), "cleo": api(cleo), "nobody": api()}.items()
    }
    assert seen == {"ben": run.pk, "dan": run.pk, "cleo": None, "nobody": None}


def test_nobody_is_written_to_who_cannot_see_the_actor_any_more(actor, issue, ben, dan, commits, mailoutbox):
    actor.is_public = False
    actor.save()
    mailoutbox.clear()
    issues.comment(issue, "A secret", by=dan.principal)
    assert mailoutbox == []


def test_emails_about_issues_can_be_declined(actor, ben, dan, commits, mailoutbox):
    dan.notify_of_issues = False
    dan.save()
    issues.report(actor, "Look", by=ben.principal)
    assert mailoutbox == []


def test_a_list_costs_the_same_whatever_its_length(actor, url, api, ben, dan, django_assert_max_num_queries):
    client = api(dan)
    for number in range(3):
        issues.report(actor, f"Issue {number}", by=ben.principal)
    with django_assert_max_num_queries(5):
        assert client.get(f"{url}?desc=1").json()["data"]["items"][0]["title"] == "Issue 2"


@pytest.mark.parametrize(
    "text",
    [
        "{id}",
        "{public}/actors/runs/{id}",
        "{public}/actors/abc/runs/{id}#log",
        "{public}/v2/actor-runs/{id}",
        "/actors/runs/{id}",
        " {public}/actors/runs/{id}/ ",
    ],
)
def test_ways_to_name_a_run(settings, text):
    id_ = "a1B2c3D4e5F6g7H8i"
    assert parse_run_id(text.format(id=id_, public=settings.PUBLIC_URL)) == id_


def test_an_issue_that_is_closed_and_opened_again_and_again_fills_no_mailbox(
    issue, url, api, ben, mailoutbox, commits, monkeypatch
):
    monkeypatch.setattr(share_mail, "_ABOUT_ISSUES", (3, 300, 200))
    before = len(mailoutbox)
    for _ in range(5):
        for state in ("CLOSED", "OPEN"):
            assert send(api(ben), "put", f"{url}/{issue.pk}", {"state": state}).status_code == 200

    assert len(mailoutbox) - before == 3


def test_a_change_of_an_issue_that_is_deleted_meanwhile_brings_nothing_back(issue, ben):
    stale = Issue.objects.get(pk=issue.pk)
    issue.delete()

    issues.rewrite(stale, by=ben.principal, title="Back")

    assert not Issue.objects.exists()


def test_two_changes_at_the_same_time_lose_nothing_of_each_other(issue, ben):
    stale = Issue.objects.get(pk=issue.pk)
    issues.rewrite(issue, by=ben.principal, description="Only some.")

    issues.rewrite(stale, by=ben.principal, title="Some prices missing")

    issue.refresh_from_db()
    assert (issue.title, issue.description) == ("Some prices missing", "Only some.")
