"""The pages of an Actor's issues: who is refused and how, bad input, then what they show and do."""

import pytest

from resources.kinds import Kind
from sharing.issues import issues
from sharing.models import Grant, Issue
from tests.support.organizations import join, make_organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor(dan, make_resource):
    return make_resource(Kind.ACTOR, dan, name="finder", is_public=True)


@pytest.fixture
def run(ben, actor, make_resource):
    ben.general_access = "RESTRICTED"
    ben.save()
    return make_resource(Kind.RUN, ben, actor_id=actor.pk)


@pytest.fixture
def issue(actor, ben):
    return issues.report(actor, "Prices <missing>", "All of them.", by=ben.principal)


# Refusals


def test_nobody_is_led_through_sign_in(actor, issue, client):
    for path in ("", "/new", f"/{issue.pk}", f"/{issue.pk}/edit"):
        response = client.get(f"{actor.console_path}/issues{path}")
        assert response.status_code == 302
        assert response["Location"].startswith("/sign-in?next=")


def test_a_private_actor_hides_its_issues(actor, issue, signed_in, cleo):
    actor.is_public = False
    actor.save()
    here = signed_in(cleo)
    for path in ("", "/new", f"/{issue.pk}"):
        assert here.get(f"{actor.console_path}/issues{path}").status_code == 404
    assert here.post(f"{issue.console_path}/comment", {"text": "x"}).status_code == 404


def test_a_role_that_only_reads_writes_no_issue_and_is_told_why(actor, make_resource, signed_in, ada, ben):
    acme = make_organization(ada)
    issue = issues.report(actor, "Prices missing", by=acme.principal)
    run = make_resource(Kind.RUN, acme, actor_id=actor.pk)
    issues.attach_run(issue, run, by=acme.principal)
    join(acme, ben, "Read only")
    here = signed_in(ben)
    here.post("/organizations/switch", {"account": acme.pk})
    pages = (f"{actor.console_path}/issues", issue.console_path, run.console_path)
    for page in pages:
        said = here.get(page).content.decode()
        for words in ("New issue", "Edit", "Close issue", "Take off", "/comment", "Report an issue"):
            assert words not in said
    for path, body in (
        ("/new", {"title": "x"}),
        (f"/{issue.pk}/edit", {"title": "x"}),
        (f"/{issue.pk}/comment", {"text": "x"}),
        (f"/{issue.pk}/state", {"state": "closed"}),
        (f"/{issue.pk}/runs/{run.pk}/take-off", {}),
        (f"/{issue.pk}/delete", {}),
    ):
        refused = here.post(f"{actor.console_path}/issues{path}", body | {"shown_for": acme.pk})
        assert refused.status_code == 403
        assert "does not include RUN on Actors" in refused.content.decode()
    (left,) = Issue.objects.all()
    assert (left.title, left.state, left.run_id, left.comments.count()) == ("Prices missing", "OPEN", run.pk, 0)


def test_a_stranger_says_something_and_changes_nothing(issue, signed_in, cleo):
    here = signed_in(cleo)
    page = here.get(issue.console_path).content.decode()
    assert "Close issue" not in page
    assert "Edit" not in page
    for path, body in (("state", {"state": "closed"}), ("edit", {"title": "Mine"}), ("delete", {})):
        assert here.post(f"{issue.console_path}/{path}", body).status_code == 404
    issue.refresh_from_db()
    assert (issue.title, issue.state) == ("Prices <missing>", "OPEN")


def test_the_developer_closes_and_does_not_rewrite(issue, signed_in, dan):
    here = signed_in(dan)
    assert here.post(f"{issue.console_path}/edit", {"title": "All fine"}).status_code == 404
    here.post(f"{issue.console_path}/state", {"state": "closed"})
    issue.refresh_from_db()
    assert (issue.title, issue.state) == ("Prices <missing>", "CLOSED")


@pytest.mark.parametrize("state", ["", "gone", "CLOSED"])
def test_a_state_that_there_is_not(issue, signed_in, ben, state):
    assert signed_in(ben).post(f"{issue.console_path}/state", {"state": state}).status_code == 404


def test_what_cannot_be_attached_is_said_beside_the_field(actor, signed_in, ben, cleo, make_resource):
    of_cleo = make_resource(Kind.RUN, cleo, actor_id=actor.pk)
    of_another = make_resource(Kind.RUN, ben)
    here = signed_in(ben)
    for text, says in (
        (of_cleo.pk, "There is no such run, or you may not share it."),
        ("0" * 17, "There is no such run, or you may not share it."),
        (of_another.pk, "Only a run of this Actor can be attached to the issue."),
        ("my run", "This is not the URL or the ID of a run on this server."),
    ):
        response = here.post(f"{actor.console_path}/issues/new", {"title": "Kept text", "run": text})
        assert response.status_code == 422
        page = response.content.decode()
        assert says in page
        assert "Kept text" in page
    assert not Issue.objects.exists()


def test_bad_input(actor, issue, signed_in, ben):
    here = signed_in(ben)
    new = f"{actor.console_path}/issues/new"
    for body in (
        {},
        {"title": " "},
        {"title": "x" * 201},
        {"title": "a\x00"},
        {"title": "x", "description": "y" * 20_001},
    ):
        assert here.post(new, body).status_code == 422
    assert here.post(f"{issue.console_path}/comment", {"text": ""}).status_code == 422
    assert here.get(f"{actor.console_path}/issues/nothing").status_code == 404
    assert here.get(f"{actor.console_path}/issues/a%00b").status_code == 404
    assert Issue.objects.count() == 1


def test_writing_is_limited(actor, signed_in, ben, monkeypatch):
    monkeypatch.setattr("sharing.policies.issue_rules.WRITES_PER_HOUR", 1)
    here = signed_in(ben)
    statuses = [here.post(f"{actor.console_path}/issues/new", {"title": "x"}).status_code for _ in range(2)]
    assert statuses == [302, 422]


# What they show and do


def test_an_issue_from_beginning_to_end(actor, run, signed_in, ben, dan):
    here, there = signed_in(ben), signed_in(dan)
    assert there.get(run.console_path).status_code == 404
    made = here.post(f"{actor.console_path}/issues/new", {"title": "Prices missing", "run": run.console_url})
    assert made.status_code == 302
    assert there.get(run.console_path).status_code == 200
    page = there.get(made["Location"]).content.decode()
    assert "It has been shared with you for this issue." in page
    assert "dan can read it" in here.get(made["Location"]).content.decode()
    there.post(f"{made['Location']}/comment", {"text": "Which <b>shop</b>?"})
    assert "Which &lt;b&gt;shop&lt;/b&gt;?" in here.get(made["Location"]).content.decode()
    here.post(f"{made['Location']}/edit", {"title": "Prices gone", "run": ""})
    assert there.get(run.console_path).status_code == 404
    assert not Grant.objects.exists()
    here.post(f"{made['Location']}/state", {"state": "closed"})
    assert "No open issues" in here.get(f"{actor.console_path}/issues").content.decode()
    assert "Prices gone" in here.get(f"{actor.console_path}/issues?state=closed").content.decode()


def test_an_attached_run_is_not_named_to_others(actor, issue, run, signed_in, ben, cleo):
    issues.attach_run(issue, run, by=ben.principal)
    assert run.pk not in signed_in(cleo).get(issue.console_path).content.decode()


def test_the_page_says_so_when_the_owner_has_removed_the_access(actor, issue, run, signed_in, ben, dan):
    """The run stays attached, and whoever believes the page must not believe that it is shared."""
    issues.attach_run(issue, run, by=ben.principal)
    assert "dan can read it" in signed_in(ben).get(issue.console_path).content.decode()
    assert "shared with you for this issue" in signed_in(dan).get(issue.console_path).content.decode()

    signed_in(ben).post(f"{run.console_path}/share/people/{dan.pk}/remove", {"issue": issue.pk})

    assert signed_in(dan).get(run.console_path).status_code == 404
    seen_by_owner = signed_in(ben).get(issue.console_path).content.decode()
    assert "dan can read it" not in seen_by_owner
    assert "does not share it with dan any more" in seen_by_owner
    seen_by_developer = signed_in(dan).get(issue.console_path).content.decode()
    assert "does not share it with you through this issue any more" in seen_by_developer
    assert f'href="{run.console_path}"' not in seen_by_developer


def test_deleting_asks_first_and_ends_the_access(actor, issue, run, signed_in, ben, dan):
    issues.attach_run(issue, run, by=ben.principal)
    here = signed_in(ben)
    assert "no longer shared" in here.get(f"{issue.console_path}/delete").content.decode()
    assert here.post(f"{issue.console_path}/delete")["Location"] == f"{actor.console_path}/issues"
    assert signed_in(dan).get(run.console_path).status_code == 404


def test_the_focus_is_in_the_first_field(actor, issue, signed_in, ben):
    for path in (f"{actor.console_path}/issues/new", f"{issue.console_path}/edit"):
        form = signed_in(ben).get(path).context["form"]
        assert [field.name for field in form if "autofocus" in str(field)] == ["title"]


def test_a_run_that_is_named_in_the_address_is_filled_in(actor, run, signed_in, ben):
    page = signed_in(ben).get(f"{actor.console_path}/issues/new?run={run.pk}").content.decode()
    assert f'value="{run.pk}"' in page


def test_a_list_costs_the_same_whatever_its_length(actor, signed_in, ben, dan, django_assert_max_num_queries):
    here = signed_in(dan)
    here.get("/")
    for number in range(5):
        issues.report(actor, f"Issue {number}", by=ben.principal)
    with django_assert_max_num_queries(8):
        assert "Issue 4" in here.get(f"{actor.console_path}/issues").content.decode()
