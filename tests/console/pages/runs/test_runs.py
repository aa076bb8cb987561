"""The pages of runs: who is refused and how, bad input, then what they show and do."""

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from console.pages.components.durations import in_words
from resources.datasets.writing import push
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.logs.writing import append, append_line
from resources.models import Build, BuildContent, Dataset, GeneralAccess, Run
from resources.records import writing
from sharing.issues import issues
from tests.support.factories import built, give
from tests.support.run_stage import REFUSED_CALL

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
TABS = ("", "?tab=log", "?tab=input", "?tab=storage")
READS = (*TABS, "/now", "/log")
CHANGES = ("/abort", "/resurrect", "/delete")
OPEN = GeneralAccess.ANYONE_WITH_ID_CAN_READ


@pytest.fixture
def actor(dan, make_resource):
    return make_resource(Kind.ACTOR, dan, name="finder", is_public=True)


@pytest.fixture
def make_run(make_resource, actor):
    """Make a run of dan's public Actor with default storages that hold an input, an output and two items."""

    def make(owner, status=JobStatus.SUCCEEDED, **fields):
        at = timezone.now() - timedelta(minutes=5)
        ended = at + timedelta(seconds=75) if status in ("SUCCEEDED", "FAILED", "ABORTED") else None
        defaults = {"actor_id": actor.pk, "general_access": "RESTRICTED", "started_at": at, "finished_at": ended}
        fields = {"memory_mbytes": 256, **defaults, **fields}
        run = make_resource(Kind.RUN, owner, status=status, **fields)
        dataset = make_resource(Kind.DATASET, owner, run=run)
        push(dataset.pk, json.dumps([{"item": "sourdough"}, {"item": "<script>milk"}]).encode())
        store = make_resource(Kind.KEY_VALUE_STORE, owner, run=run)
        writing.write(store.pk, "INPUT", [b'{"start": "at-the-shop"}'], content_type="application/json")
        writing.write(store.pk, "OUTPUT", [b"<script>alert(1)</script>"], content_type="text/html")
        make_resource(Kind.REQUEST_QUEUE, owner, run=run)
        append(run.pk, b"2026-01-01T00:00:00.000Z Crawling\n")
        return run

    return make


@pytest.fixture
def run(make_run, ada):
    return make_run(ada)


def text_of(response) -> str:
    return response.content.decode()


def without_csrf(response) -> str:
    """Return the text of a page without what is different each time."""
    return re.sub(r'(csrfmiddlewaretoken" value=|"X-CSRFToken": )"[^"]+"', "", text_of(response))


# Refusals


@pytest.mark.parametrize("path", [*READS, *CHANGES])
def test_nobody_is_sent_to_sign_in_and_back_whatever_the_level(client, run, path):
    Run.objects.update(general_access=OPEN)

    response = client.get(run.console_path + path)

    assert response.status_code == 302
    assert f"next={run.console_path}{path.split('?')[0]}" in response.url


def test_nobody_sees_a_list_of_runs(client, run):
    assert client.get("/actors/runs").status_code == 302


@pytest.mark.parametrize("path", [*READS, *CHANGES])
def test_a_stranger_sees_the_same_as_for_what_does_not_exist(cleo, signed_in, run, path):
    browser = signed_in(cleo)

    for headers in ({}, HTMX):
        there = browser.get(run.console_path + path, headers=headers)
        nowhere = browser.get("/actors/runs/00000000000000000" + path, headers=headers)
        assert there.status_code == nowhere.status_code == 404
        assert without_csrf(there).replace(run.pk, "0" * 17) == without_csrf(nowhere)


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("status", [JobStatus.RUNNING, JobStatus.SUCCEEDED])
def test_a_reader_has_no_buttons_to_change_it_and_is_refused(ben, ada, make_run, signed_in, path, status):
    run = make_run(ada, status)
    give(run, ben, "READ", "MANAGE_ACCESS_RIGHTS")
    browser = signed_in(ben)

    for page in (run.console_path, "/actors/runs"):
        assert f'href="{run.console_path}{path}"' not in text_of(browser.get(page))
    assert browser.get(run.console_path + path).status_code == 403
    assert browser.post(run.console_path + path).status_code == 403
    assert Run.objects.get().status == status


def test_a_default_storage_that_is_restricted_by_itself_is_closed_to_who_has_a_mere_link(cleo, ben, signed_in, run):
    Run.objects.update(general_access=OPEN)
    run.default_storages.update(general_access=GeneralAccess.RESTRICTED)
    give(run, ben)

    for tab in TABS:
        by_link = text_of(signed_in(cleo).get(run.console_path + tab))
        for secret in ("sourdough", "alert(1)", "at-the-shop", "2 items"):
            assert secret not in by_link
    assert signed_in(cleo).get(f"{run.console_path}/now").context["item_count"] is None
    assert "Restricted, and not shared with you" in text_of(signed_in(cleo).get(run.console_path))
    assert "sourdough" in text_of(signed_in(ben).get(run.console_path))
    assert "2 items" in text_of(signed_in(ben).get(f"{run.console_path}?tab=storage"))


def test_an_actor_that_is_not_shared_is_not_named(ben, ada, actor, signed_in, run):
    actor.is_public = False
    actor.save()
    give(run, ben)
    browser = signed_in(ben)

    for page in (run.console_path, "/actors/runs"):
        text = text_of(browser.get(page))
        assert "finder" not in text
        assert "an Actor" in text
        assert actor.pk not in text
        assert f'href="{actor.console_path}"' not in text, "it would lead to a page that says that there is nothing"
    give(actor, ben)
    for page in (run.console_path, "/actors/runs"):
        assert "finder" in text_of(browser.get(page))


def test_a_task_is_a_link_only_for_who_can_open_it(dan, ada, actor, signed_in, make_run, make_resource):
    """Not for the developer, say, with whom its owner shares runs."""
    ada.share_runs_with_actor_creators = True
    ada.save()
    task = make_resource(Kind.TASK, ada, name="weekly", actor=actor)
    run = make_run(ada, task=task)

    assert f'href="{task.console_path}"' in text_of(signed_in(ada).get(run.console_path))
    text = text_of(signed_in(dan).get(run.console_path))
    assert "a task" in text
    assert task.pk not in text
    assert "weekly" not in text
    assert f'href="{task.console_path}"' not in text


def test_below_an_actor_a_run_is_found_only_if_it_is_of_that_actor(ada, cleo, signed_in, run, actor, make_resource):
    other = make_resource(Kind.ACTOR, ada, name="other")

    response = signed_in(ada).get(f"/actors/{actor.pk}/runs/{run.pk}")

    assert response.status_code == 302
    assert response.url == run.console_path
    with_tab = signed_in(ada).get(f"/actors/{actor.pk}/runs/{run.pk}?tab=log")
    assert with_tab.url == f"{run.console_path}?tab=log", "a link to its log leads to its log"
    assert signed_in(ada).get(f"/actors/{other.pk}/runs/{run.pk}").status_code == 404
    assert signed_in(cleo).get(f"/actors/{actor.pk}/runs/{run.pk}").status_code == 404


# Bad input


@pytest.mark.parametrize("query", ["tab=%00", "tab=nothing", "page=x", "page=999999", "view=json", "view=%ff"])
def test_a_bad_query_is_a_page_that_there_is(ada, signed_in, run, query):
    assert signed_in(ada).get(f"{run.console_path}?{query}").status_code == 200


@pytest.mark.parametrize("query", ["status=%00", "status=NONE", "status=", "q=%00", "ownership=none", "page=-1"])
def test_a_bad_filter_is_no_error_and_filters_nothing(ada, signed_in, run, query):
    response = signed_in(ada).get(f"/actors/runs?{query}")

    assert response.status_code == 200
    assert [row.run.pk for row in response.context["rows"]] == [run.pk]


@pytest.mark.parametrize("query", ["", "?status=%00&items=x", "?items=" + "9" * 400])
def test_what_a_page_says_that_it_shows_may_be_anything(ada, signed_in, run, query):
    assert signed_in(ada).get(f"{run.console_path}/now{query}").status_code == 200


# The list


def test_the_list_shows_mine_and_shared_and_nothing_that_is_merely_open(ada, ben, cleo, signed_in, make_run):
    mine, of_ben = make_run(ada), make_run(ben, JobStatus.FAILED)
    make_run(cleo, general_access=OPEN)
    give(of_ben, ada)
    browser = signed_in(ada)

    def found(query=""):
        return {row.run.pk for row in browser.get(f"/actors/runs{query}").context["rows"]}

    assert found() == {mine.pk, of_ben.pk}
    assert found("?ownership=mine") == {mine.pk}
    assert found("?ownership=shared") == {of_ben.pk}
    assert found("?status=FAILED") == {of_ben.pk}
    assert found("?status=FAILED&ownership=mine") == set()
    assert found(f"?q={mine.pk}") == {mine.pk}


def test_a_row_says_what_there_is_to_say(ada, ben, signed_in, make_run):
    give(make_run(ben), ada)

    row = signed_in(ada).get("/actors/runs").context["rows"][0]

    assert (row.actor, row.items, row.how, row.took) == ("dan/finder", 2, "shared by ben", timedelta(seconds=75))
    text = text_of(signed_in(ada).get("/actors/runs"))
    assert "1 min 15 s" in text
    assert "Succeeded" in text


def test_a_row_offers_only_what_one_may_do(ada, ben, signed_in, make_run):
    mine, going_on, of_ben = make_run(ada), make_run(ada, JobStatus.RUNNING), make_run(ben)
    give(of_ben, ada)

    text = text_of(signed_in(ada).get("/actors/runs"))

    for run in (mine, going_on, of_ben):
        assert f'href="{run.console_path}/share"' in text
    assert f'href="{mine.console_path}/resurrect"' in text
    assert f'href="{mine.console_path}/abort"' not in text
    assert f'href="{going_on.console_path}/abort"' in text
    assert f'href="{of_ben.console_path}/delete"' not in text


def test_the_queries_of_the_list_do_not_grow_with_its_rows(ada, ben, signed_in, make_run, django_assert_num_queries):
    browser = signed_in(ada)
    browser.get("/")  # the first request of a session is recorded

    def add(rows):
        for _ in range(rows):
            make_run(ada)
            give(make_run(ben), ada)

    add(2)
    with django_assert_num_queries(12):
        assert len(browser.get("/actors/runs").context["rows"]) == 4
    add(8)
    with django_assert_num_queries(12):
        assert len(browser.get("/actors/runs").context["rows"]) == 20


def test_htmx_is_given_the_rows_alone_and_an_empty_list_says_what_to_do(ada, cleo, signed_in, run):
    text = text_of(signed_in(ada).get("/actors/runs?status=SUCCEEDED", headers=HTMX))
    assert "<html" not in text
    assert "1 run found" in text

    assert "Start an Actor" in text_of(signed_in(cleo).get("/actors/runs"))
    assert "Show all runs" in text_of(signed_in(cleo).get("/actors/runs?status=FAILED"))


# One run


def test_the_tabs_show_output_log_input_and_storages(ada, signed_in, run):
    browser = signed_in(ada)

    output, log, input_, storage = (text_of(browser.get(run.console_path + tab)) for tab in TABS)

    assert "sourdough" in output
    assert "OUTPUT" in output
    assert "Crawling" in log
    assert "&quot;start&quot;: &quot;at-the-shop&quot;" in input_
    for each in run.default_storages.all():
        assert f'href="{each.console_path}"' in storage
    assert "2 items" in storage
    assert "2 records" in storage
    assert "0 requests" in storage


def test_what_a_run_made_is_text_on_its_page(ada, signed_in, run):
    append(run.pk, b"<script>alert(2)</script>\n")
    Run.objects.update(status_message="<script>alert(3)</script>")

    for tab in (*TABS, "?view=json"):
        text = text_of(signed_in(ada).get(run.console_path + tab))
        assert "<script>alert" not in text
        assert "<script>milk" not in text


def test_the_status_line_says_how_it_went(ada, signed_in, run):
    Run.objects.update(status_message="Found it all", exit_code=3, build_number="0.1.7", memory_mbytes=1024)

    text = text_of(signed_in(ada).get(run.console_path))

    for said in ("Succeeded", "Found it all", "1 min 15 s", "0.1.7", "1,024 MB", "API", "finder"):
        assert said in text


def test_only_a_run_that_goes_on_asks_again(ada, signed_in, make_run):
    browser = signed_in(ada)
    for status in JobStatus:
        run = make_run(ada, status)
        for path in ("", "/now"):
            asks = f'hx-get="{run.console_path}/now' in text_of(browser.get(run.console_path + path))
            assert asks == (not run.is_finished), status


def test_a_page_is_told_of_a_change_once(ada, signed_in, run):
    browser = signed_in(ada)

    changed = browser.get(f"{run.console_path}/now?status=RUNNING&items=0", headers=HTMX)
    same = browser.get(f"{run.console_path}/now?status=SUCCEEDED&items=2", headers=HTMX)

    assert set(json.loads(changed.headers["HX-Trigger"])) == {"job-changed", "announce", "output-there"}
    assert "The run has ended: succeeded." in changed.headers["HX-Trigger"]
    assert "HX-Trigger" not in same.headers
    assert "<html" not in text_of(same)


def test_a_run_without_anything_has_a_page_all_the_same(ada, signed_in, make_resource):
    bare = make_resource(Kind.RUN, ada)
    browser = signed_in(ada)

    for tab in TABS:
        assert browser.get(bare.console_path + tab).status_code == 200
    assert "No output yet" in text_of(browser.get(bare.console_path))
    assert "waiting for a worker" in text_of(browser.get(bare.console_path))
    assert "was started without input" in text_of(browser.get(f"{bare.console_path}?tab=input"))


def test_the_page_takes_as_many_queries_for_many_items(ada, signed_in, run, django_assert_num_queries):
    browser = signed_in(ada)
    browser.get("/")  # the first request of a session is recorded
    with django_assert_num_queries(12):
        browser.get(run.console_path)
    push(Dataset.objects.get(run=run).pk, json.dumps([{"n": n} for n in range(500)]).encode())
    with django_assert_num_queries(12):
        browser.get(run.console_path)


def test_a_run_that_waits_tells_its_owner_its_place_and_nobody_else(ada, ben, signed_in, make_resource):
    first, second = make_resource(Kind.RUN, ada), make_resource(Kind.RUN, ada)
    page = f"{first.console_path}/now"
    assert "waiting for a worker, as your next run" in text_of(signed_in(ada).get(page))
    assert "after 1 of your runs and builds" in text_of(signed_in(ada).get(f"{second.console_path}/now"))
    assert "waiting for a worker</span>" in text_of(signed_in(ben).get(page))


def test_a_run_that_was_moved_says_how_often(ada, signed_in, make_run):
    browser = signed_in(ada)
    assert "to another worker" not in text_of(browser.get(make_run(ada).console_path))
    assert "2 times to another worker" in text_of(browser.get(make_run(ada, migration_count=2).console_path))


# Abort, resurrect, delete


@pytest.fixture
def build(actor) -> Build:
    return built(actor, "0.1.1")


def test_without_a_script_the_dialogs_are_pages(ada, signed_in, run):
    browser = signed_in(ada)
    for path in CHANGES:
        page, fragment = browser.get(run.console_path + path), browser.get(run.console_path + path, headers=HTMX)
        assert "<html" in text_of(page)
        assert "<html" not in text_of(fragment)
        assert 'id="dialog-title"' in text_of(fragment)
    assert Run.objects.get().status == JobStatus.SUCCEEDED


@pytest.mark.parametrize(("how", "waits"), [("gracefully", True), ("now", False), ("", False), ("\x00", False)])
def test_a_run_is_aborted_as_one_asks(ada, signed_in, make_run, how, waits):
    run = make_run(ada, JobStatus.RUNNING)
    browser = signed_in(ada)

    response = browser.post(f"{run.console_path}/abort", {"how": how}, headers=HTMX)

    assert response.headers["HX-Redirect"] == run.console_path
    run.refresh_from_db()
    assert run.status == JobStatus.ABORTING
    assert (run.graceful_until > timezone.now() + timedelta(seconds=10)) == waits
    assert "is being aborted" in text_of(browser.get(run.console_path))


@pytest.mark.parametrize(("seconds", "said"), [(90.0, "90 seconds"), (1.0, "1 second"), (0.5, "0.5 seconds")])
def test_how_long_a_run_is_given_is_what_the_worker_gives_it(ada, signed_in, make_run, settings, seconds, said):
    settings.WORKER_GRACE_SECS = seconds
    run = make_run(ada, JobStatus.RUNNING)
    browser = signed_in(ada)
    assert f"Gracefully gives it {said} to put" in text_of(browser.get(f"{run.console_path}/abort"))
    before = timezone.now()
    browser.post(f"{run.console_path}/abort", {"how": "gracefully"})
    run.refresh_from_db()
    assert timedelta(seconds=seconds) <= run.graceful_until - before <= timedelta(seconds=seconds + 30)


def test_what_has_ended_is_not_aborted(ada, signed_in, run):
    browser = signed_in(ada)

    browser.post(f"{run.console_path}/abort", {"how": "now"})

    assert "had ended already" in text_of(browser.get(run.console_path))
    assert Run.objects.get().status == JobStatus.SUCCEEDED


def test_a_run_that_has_ended_is_resurrected_with_other_options(ada, signed_in, make_run, build):
    run = make_run(ada, JobStatus.FAILED, build=build, build_number="0.1.1", timeout_secs=60, memory_mbytes=256)
    browser = signed_in(ada)
    assert 'value="60"' in text_of(browser.get(f"{run.console_path}/resurrect"))

    form = {"timeout_secs": "120", "memory_mbytes": "512", "build": ""}
    assert browser.post(f"{run.console_path}/resurrect", form).url == run.console_path

    run.refresh_from_db()
    assert (run.status, run.timeout_secs, run.memory_mbytes, run.build_id) == (JobStatus.READY, 120, 512, build.pk)
    assert browser.post(f"{run.console_path}/resurrect", form).status_code == 302
    assert Run.objects.get(pk=run.pk).resurrect_count == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timeout_secs", "-1"),
        ("timeout_secs", "x"),
        ("timeout_secs", "9" * 30),
        ("memory_mbytes", "1000"),
        ("memory_mbytes", "1" + "0" * 400),
        ("build", "no-such-tag"),
        ("build", "x" * 500),
        ("build", "a\x00b"),
    ],
)
def test_what_cannot_be_an_option_is_said_beside_the_field(ada, signed_in, make_run, build, field, value):
    run = make_run(ada, JobStatus.FAILED, build=build)

    response = signed_in(ada).post(f"{run.console_path}/resurrect", {field: value}, headers=HTMX)

    assert response.status_code == 422
    assert f'id="id_{field}_error"' in text_of(response)
    assert Run.objects.get(pk=run.pk).status == JobStatus.FAILED


def test_a_writer_does_not_choose_the_build_that_speaks_for_the_owner(ada, ben, signed_in, make_run, build):
    run = make_run(ada, build=build)
    give(run, ben, "WRITE")
    form = {"build": "latest", "timeout_secs": "5", "memory_mbytes": "128"}
    response = signed_in(ben).post(f"{run.console_path}/resurrect", form, headers=HTMX)
    assert "Only its owner can choose the build" in response.content.decode()
    assert Run.objects.get(pk=run.pk).status == JobStatus.SUCCEEDED


def test_a_build_that_does_not_take_the_runs_input_is_said_beside_its_field(ada, signed_in, make_run, build):
    BuildContent.objects.create(build=build, input_schema='{"properties": {"url": {}}, "required": ["url"]}')
    run = make_run(ada, build=build)
    form = {"build": "latest", "timeout_secs": "5", "memory_mbytes": "128"}
    response = signed_in(ada).post(f"{run.console_path}/resurrect", form, headers=HTMX)
    assert response.status_code == 422
    assert "Field input.url is required." in text_of(response)
    assert Run.objects.get(pk=run.pk).status == JobStatus.SUCCEEDED


def test_what_the_owner_may_no_longer_run_is_not_resurrected(ada, signed_in, make_run, build, actor):
    run = make_run(ada, build=build)
    actor.is_public = False
    actor.save()
    form = {"build": "", "timeout_secs": "5", "memory_mbytes": "128"}
    assert signed_in(ada).post(f"{run.console_path}/resurrect", form, headers=HTMX).status_code != 302
    assert Run.objects.get(pk=run.pk).status == JobStatus.SUCCEEDED


def test_a_run_whose_build_is_gone_is_not_resurrected(ada, signed_in, run):
    response = signed_in(ada).post(f"{run.console_path}/resurrect", {})

    assert response.status_code == 422
    assert "was deleted" in text_of(response)


def test_deleting_asks_and_then_deletes_with_the_storages(ada, signed_in, run):
    browser = signed_in(ada)
    assert "cannot be undone" in text_of(browser.get(f"{run.console_path}/delete"))

    response = browser.post(f"{run.console_path}/delete", headers=HTMX)

    assert response.headers["HX-Redirect"] == "/actors/runs"
    assert not Run.objects.exists()
    assert not Dataset.objects.exists()


def test_what_goes_on_is_not_deleted(ada, signed_in, make_run):
    run = make_run(ada, JobStatus.RUNNING)
    browser = signed_in(ada)
    assert "Abort it first" in text_of(browser.get(f"{run.console_path}/delete"))

    browser.post(f"{run.console_path}/delete")

    assert Run.objects.exists()
    assert "Abort it first" in text_of(browser.get(run.console_path))


# Why the viewer sees it


def test_its_page_and_its_storages_say_why_somebody_sees_them(
    ada, ben, cleo, dan, signed_in, actor, make_run, make_resource
):
    def why(account, path):
        return signed_in(account).get(path).context["why_visible"]

    def everywhere(account, run, *said):
        for resource in (run, *run.default_storages.all()):
            for words in said:
                assert words in why(account, resource.console_path), resource

    run = make_run(ben)
    give(run, ada)
    everywhere(ada, run, "shared with you")
    assert why(ben, run.console_path) == ""

    issues.report(actor, "Prices <missing>", by=ben.principal, run=run)
    everywhere(dan, run, "attached to the issue “Prices <missing>” on your Actor finder")

    other = make_run(ben)
    ben.share_runs_with_actor_creators = True
    ben.save()
    everywhere(dan, other, "as the creator of the Actor finder", "because ben shares runs with developers")

    of_dan = make_run(dan)
    give(actor, cleo, "READ", "VIEW_OWNER_RUNS")
    everywhere(cleo, of_dan, "because dan shared their runs of the Actor finder")

    task = make_resource(Kind.TASK, dan, name="weekly", actor=actor)
    give(task, ada, "READ", "VIEW_OWNER_RUNS")
    everywhere(ada, make_run(dan, task_id=task.pk), "because dan shared their runs of the task weekly")

    everywhere(ada, make_run(cleo, general_access=OPEN), "because anyone with its ID can read it")


def test_a_build_says_through_which_actor(ada, ben, dan, signed_in, actor, make_resource):
    build = make_resource(Kind.BUILD, dan, actor=actor, general_access="RESTRICTED")
    give(actor, ada)

    assert "because the Actor finder was shared with you" in text_of(signed_in(ada).get(build.console_path))
    assert "because the Actor finder is public" in text_of(signed_in(ben).get(build.console_path))


# What it was refused


@pytest.fixture
def refused_run(make_run, ada):
    run = make_run(ada, JobStatus.FAILED, general_access="FOLLOW_USER_SETTING")
    append_line(run.pk, REFUSED_CALL)
    append_line(run.pk, REFUSED_CALL)
    return run


def test_a_run_that_failed_for_lack_of_access_says_so_at_the_top(ada, signed_in, refused_run):
    response = signed_in(ada).get(refused_run.console_path)

    assert [(each.asked, each.status) for each in response.context["refused_calls"]] == [
        ("GET /v2/datasets/abc/items", "403 insufficient-permissions")
    ]
    text = text_of(response)
    assert text.index("This run was refused access") < text.index("sourdough")
    assert "Missing: READ on the dataset." in text
    assert "#general-access" not in text


def test_under_a_restricted_account_the_owner_is_led_to_the_settings_and_to_the_developer(ada, signed_in, refused_run):
    ada.general_access = "RESTRICTED"
    ada.save()

    text = text_of(signed_in(ada).get(refused_run.console_path))

    assert "The general access of your account is Restricted" in text
    assert 'href="/settings/security#general-access"' in text
    assert f"issues/new?run={refused_run.pk}" in text


def test_who_may_not_manage_access_learns_nothing_of_the_owners_settings(ada, ben, signed_in, refused_run):
    ada.general_access = "RESTRICTED"
    ada.save()
    give(refused_run, ben)

    text = text_of(signed_in(ben).get(refused_run.console_path))

    assert "This run was refused access" in text
    assert "is Restricted" not in text
    assert "/settings/security#general-access" not in text


@pytest.mark.parametrize("status", [JobStatus.RUNNING, JobStatus.SUCCEEDED])
def test_a_run_that_did_not_fail_has_no_such_notice(ada, signed_in, refused_run, status):
    Run.objects.update(status=status)

    assert "This run was refused access" not in text_of(signed_in(ada).get(refused_run.console_path))


@pytest.mark.parametrize(
    "line", ["ACCESS: granted", "say ACCESS: GET /x was refused: 403 x. y", "ACCESS: GET /x was refused: <b>403 x."]
)
def test_what_only_looks_like_a_note_is_none(ada, signed_in, make_run, line):
    run = make_run(ada, JobStatus.FAILED)
    append_line(run.pk, line)

    assert signed_in(ada).get(run.console_path).context["refused_calls"] == []


def test_a_note_that_an_actor_has_printed_is_none(ada, signed_in, make_run):
    run = make_run(ada, JobStatus.FAILED)
    append(run.pk, f"2026-01-01T00:00:00.000Z {REFUSED_CALL}\n".encode())

    response = signed_in(ada).get(run.console_path)

    assert response.context["refused_calls"] == []
    assert "This run was refused access" not in text_of(response)


# The parts that need no request


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (184, "3 min 4 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (97_200, "1 d 3 h"),
    ],
)
def test_a_length_of_time_in_words(seconds, words):
    assert in_words(timedelta(seconds=seconds)) == words
