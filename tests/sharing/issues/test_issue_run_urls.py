"""URLs of runs in the texts of issues: which attach a run, what the form shows before, and how it ends."""

import pytest
from django.core import mail

from accounts.models import AuditEvent
from resources.kinds import Kind
from sharing.issues import issues
from sharing.issues.run_urls import run_ids_in
from sharing.models import Grant, Issue

pytestmark = pytest.mark.django_db
ID = "a1B2c3D4e5F6g7H8i"
PUBLIC = "http://localhost:8000"


@pytest.fixture(autouse=True)
def public_url(settings):
    settings.PUBLIC_URL = PUBLIC


@pytest.fixture
def actor(dan, make_resource):
    return make_resource(Kind.ACTOR, dan, name="finder", is_public=True)


@pytest.fixture
def run(ben, actor, make_resource):
    ben.general_access = "RESTRICTED"
    ben.save()
    return make_resource(Kind.RUN, ben, actor_id=actor.pk)


def shares_of(page: str) -> str:
    return page.split('name="shares" value="')[1].split('"')[0] if 'name="shares"' in page else ""


def readable(signed_in, dan, run) -> bool:
    return signed_in(dan).get(run.console_path).status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        f"{PUBLIC}/actors/runs/{ID}",
        f"See {PUBLIC}/actors/runs/{ID}.",
        f"[run]({PUBLIC}/actors/abc/runs/{ID}?tab=log)",
        f"<{PUBLIC}/actors/ada~shop/runs/{ID}#log>",
        f"{PUBLIC}/v2/actor-runs/{ID}/log, then again {PUBLIC}/v2/actor-runs/{ID}",
        f"HTTP://LOCALHOST:8000/v2/actor-runs/{ID}",
    ],
)
def test_forms_of_the_url(text):
    assert run_ids_in(text) == [ID]


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f"/actors/runs/{ID}",
        f"https://evil.example/actors/runs/{ID}",
        f"https://evil.example/?at={PUBLIC}/actors/runs/{ID}",
        f"http://localhost:8000@evil.example/actors/runs/{ID}",
        f"http://localhost:8001/actors/runs/{ID}",
        f"https://localhost:8000/actors/runs/{ID}x",
        f"{PUBLIC}/storage/datasets/{ID}",
        f"{PUBLIC}/x/actors/runs/{ID}",
        "http://[/actors/runs",
        "http://localhost:99999999/actors/runs/" + ID,
    ],
)
def test_what_is_no_url_of_a_run_here(text):
    assert run_ids_in(text) == []


def test_a_url_of_another_users_run_or_another_actors_attaches_nothing_and_tells_nothing(
    actor, ben, cleo, make_resource, signed_in, api
):
    of_cleo = make_resource(Kind.RUN, cleo, actor_id=actor.pk)
    of_another = make_resource(Kind.RUN, ben)
    here = signed_in(ben)
    answers = []
    for run_id in (of_cleo.pk, of_another.pk, ID):
        text = f"{PUBLIC}/actors/runs/{run_id}"
        preview = here.post(f"{actor.console_path}/issues/shares", {"description": text})
        answers.append(preview.content.decode())
        assert here.post(f"{actor.console_path}/issues/new", {"title": "x", "description": text}).status_code == 302
        made = api(ben).post(
            f"/v2/actors/{actor.pk}/issues", {"title": "x", "description": text}, content_type="application/json"
        )
        assert made.json()["data"]["attachedRuns"] == []
    assert len(set(answers)) == 1
    assert "shares" not in shares_of(answers[0])
    assert not Grant.objects.exists()


def test_a_manager_and_the_developer_attach_no_run_of_another_user(actor, run, dan, cleo, give, signed_in):
    give(run, cleo, "READ", "WRITE", "MANAGE_ACCESS_RIGHTS")
    for who in (cleo, dan):
        body = {"title": "x", "description": run.console_url}
        assert signed_in(who).post(f"{actor.console_path}/issues/new", body).status_code == 302
    assert not Grant.objects.filter(source="ISSUE").exists()


def test_the_form_shows_what_it_shares_with_whom_before_it_sends(actor, run, signed_in, ben, dan):
    here = signed_in(ben)
    body = {"title": "Prices missing", "description": f"Look: {run.console_url}."}
    live = here.post(f"{actor.console_path}/issues/shares", body).content.decode()
    asked = here.post(f"{actor.console_path}/issues/new", body)
    page = asked.content.decode()
    for shown in (live, page):
        assert "shares 1 run with dan" in shown
        assert run.pk in shown
        assert shares_of(shown) == run.pk
    assert "Nothing is sent yet." in page
    assert not Issue.objects.exists()
    assert not readable(signed_in, dan, run)
    assert here.post(f"{actor.console_path}/issues/new", {**body, "shares": run.pk}).status_code == 302
    assert readable(signed_in, dan, run)


def test_other_runs_than_those_that_were_shown_are_shown_first(actor, run, ben, make_resource, signed_in):
    other = make_resource(Kind.RUN, ben, actor_id=actor.pk)
    body = {"title": "x", "description": f"{run.console_url} {other.console_url}", "shares": run.pk}
    page = signed_in(ben).post(f"{actor.console_path}/issues/new", body).content.decode()
    assert "shares 2 runs with dan" in page
    assert not Issue.objects.exists()


def test_a_comment_attaches_and_its_form_shows_that_first(actor, run, signed_in, ben, dan, cleo, commits):
    issue = issues.report(actor, "Prices missing", by=cleo.principal)
    mail.outbox.clear()
    here = signed_in(ben)
    asked = here.post(f"{issue.console_path}/comment", {"text": run.console_url})
    assert asked.status_code == 200
    assert "shares 1 run with dan" in asked.content.decode()
    assert not issue.comments.exists()
    assert here.post(f"{issue.console_path}/comment", {"text": run.console_url, "shares": run.pk}).status_code == 302
    assert readable(signed_in, dan, run)
    assert AuditEvent.objects.filter(action="issue.run_attached", account_id=ben.pk, actor_id=ben.pk).count() == 1
    assert any(
        "shared the Actor run" in message.subject or "shared the run" in message.subject for message in mail.outbox
    )
    page = here.get(issue.console_path).content.decode()
    assert "dan can read it" in page
    assert run.pk not in signed_in(cleo).get(issue.console_path).content.decode().replace(run.console_url, "")
    assert here.post(f"{issue.console_path}/runs/{run.pk}/take-off").status_code == 302
    assert not readable(signed_in, dan, run)
    assert AuditEvent.objects.filter(action="issue.run_detached", account_id=ben.pk).count() == 1


def test_only_the_owner_takes_a_run_off(actor, run, signed_in, ben, dan, cleo):
    issue = issues.report(actor, "x", run.console_url, by=ben.principal)
    for who in (dan, cleo):
        assert signed_in(who).post(f"{issue.console_path}/runs/{run.pk}/take-off").status_code == 404
    assert signed_in(ben).post(f"{issue.console_path}/runs/{ID}/take-off").status_code == 404
    assert readable(signed_in, dan, run)


def test_an_edit_attaches_added_urls_and_takes_removed_ones_off(actor, run, ben, dan, make_resource, signed_in):
    other = make_resource(Kind.RUN, ben, actor_id=actor.pk)
    issue = issues.report(actor, "x", run.console_url, by=ben.principal)
    issues.rewrite(issue, by=ben.principal, description=other.console_url)
    assert (readable(signed_in, dan, run), readable(signed_in, dan, other)) == (False, True)


def test_a_run_stays_while_another_text_or_the_field_attaches_it(actor, run, ben, dan, signed_in):
    by = ben.principal
    issue = issues.report(actor, "x", run.console_url, by=by)
    said = issues.comment(issue, run.console_url, by=by)
    issues.rewrite(issue, by=by, description="")
    assert readable(signed_in, dan, run)
    issues.attach_run(issue, run, by=by)
    said.delete()
    assert readable(signed_in, dan, run)
    issues.detach_run(issue, by=by)
    assert not readable(signed_in, dan, run)


def test_texts_from_before_attach_nothing(actor, run, ben, dan, signed_in):
    issue = Issue.objects.create(actor=actor, author=ben, title="x", description=run.console_url)
    issues.rewrite(issue, by=ben.principal, title="y", description=f"{run.console_url} and more")
    issues.comment(issue, "Any news?", by=ben.principal)
    assert not readable(signed_in, dan, run)


def test_deleting_the_issue_ends_all_of_it(actor, run, ben, dan, signed_in):
    issue = issues.report(actor, "x", run.console_url, by=ben.principal)
    issues.delete(issue, by=dan.principal)
    assert not readable(signed_in, dan, run)


def test_the_api_attaches_and_says_so(actor, run, ben, dan, cleo, api):
    url = f"/v2/actors/{actor.pk}/issues"
    body = {"title": "x", "description": f"{PUBLIC}/v2/actor-runs/{run.pk}"}
    made = api(ben).post(url, body, content_type="application/json").json()["data"]
    shared = [{"runId": run.pk, "runUrl": run.console_url, "sharedWith": {"userId": dan.pk, "username": "dan"}}]
    assert made["attachedRuns"] == shared
    assert api(dan).get(f"{url}/{made['id']}").json()["data"]["attachedRuns"] == shared
    assert api(cleo).get(f"{url}/{made['id']}").json()["data"]["attachedRuns"] == []
    assert api(dan).get(f"/v2/actor-runs/{run.pk}").status_code == 200
    said = api(ben).post(f"{url}/{made['id']}/comments", {"text": run.console_url}, content_type="application/json")
    assert said.json()["data"]["attachedRuns"] == shared
    changed = api(ben).put(f"{url}/{made['id']}", {"description": "Gone."}, content_type="application/json")
    assert changed.json()["data"]["attachedRuns"] == shared


def test_a_scoped_token_attaches_nothing(actor, run, ben, api):
    scope = [{"kind": "actor", "permissions": ["READ"]}, {"kind": "run", "permissions": ["READ", "WRITE"]}]
    response = api(ben, scope=scope).post(
        f"/v2/actors/{actor.pk}/issues", {"title": "x", "description": run.console_url}, content_type="application/json"
    )
    assert response.status_code == 403
    assert not Grant.objects.exists()


def test_the_developers_own_run_is_attached_and_shared_with_no_other_user(actor, dan, make_resource, signed_in):
    own = make_resource(Kind.RUN, dan, actor_id=actor.pk)
    body = {"title": "x", "description": own.console_url}
    assert signed_in(dan).post(f"{actor.console_path}/issues/new", body).status_code == 302
    assert [run.pk for run in issues.attached(Issue.objects.get())] == [own.pk]
    assert not Grant.objects.exists()
