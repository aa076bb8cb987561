"""Runs, tasks and schedules in a browser: a page that follows its run, the dialogs, the times of a schedule, looks."""

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from resources.datasets.writing import push
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.logs.writing import append, append_line
from resources.models import Actor, Run, Schedule, ScheduleInvocation, Task
from resources.records import writing
from resources.runs.ending import finish
from resources.schedules.actions import RunActor, RunActorTask, dump_actions
from tests.support.browser import has_room
from tests.support.factories import built_actor
from tests.support.run_stage import REFUSED_CALL

SCHEMES = ["light", "dark"]
LONG = "a-name-that-is-about-as-long-as-a-name-can-be-for-an-actor-or-so"[:63]


@pytest.fixture
def actor(dan) -> Actor:
    return built_actor(dan, name="character-finder", is_public=True)


@pytest.fixture
def make_run(ada, actor, make_resource):
    def make(status, **fields):
        at = timezone.now() - timedelta(minutes=5)
        fields = {"actor": actor, "memory_mbytes": 1024, "timeout_secs": 3600, "build_number": "0.1.1"} | fields
        if status not in ("READY", "RUNNING", "ABORTING"):
            fields["finished_at"] = at + timedelta(seconds=75)
        run = make_resource(Kind.RUN, ada, status=status, started_at=at, **fields)
        for kind in (Kind.DATASET, Kind.REQUEST_QUEUE):
            make_resource(kind, ada, run=run)
        store = make_resource(Kind.KEY_VALUE_STORE, ada, run=run)
        writing.write(store.pk, "INPUT", [b'{"start": "at-the-shop"}'], content_type="application/json")
        append(
            run.pk, b"2026-11-25T10:00:00.000Z Crawling https://example.com/a/rather/long/address/of/a/page/indeed\n"
        )
        return run

    return make


@pytest.fixture
def running(make_run):
    return make_run(JobStatus.RUNNING)


@pytest.fixture
def refused(make_run, ada):
    ada.general_access = "RESTRICTED"
    ada.save()
    run = make_run(JobStatus.FAILED, exit_code=1, status_message="Actor run failed with exit code 1")
    append_line(run.pk, REFUSED_CALL)
    push_items(run)
    return run


@pytest.fixture
def task(ada, actor, make_resource):
    return make_resource(Kind.TASK, ada, name=LONG, actor=actor, input='{"city": "Brno"}', run_count=2)


@pytest.fixture
def schedule(ada, actor, task, make_resource):
    actions = [RunActor(actor_id=actor.pk, id="first"), RunActorTask(actor_task_id=task.pk, id="second")]
    made = make_resource(
        Kind.SCHEDULE,
        ada,
        name="nightly",
        cron_expression="30 2 * * MON-FRI",
        timezone="Europe/Prague",
        is_enabled=True,
        next_at=timezone.now() + timedelta(hours=3),
        actions=dump_actions(actions),
    )
    ScheduleInvocation.objects.create(schedule=made, message="Started the run abc.")
    ScheduleInvocation.objects.create(schedule=made, level="ERROR", message="The Actor may not be run.")
    return made


def push_items(run: Run) -> None:
    dataset = run.default_storages.get(kind=Kind.DATASET)
    push(dataset.pk, json.dumps([{"item": f"item-{n}", "price": n / 4} for n in range(3)]).encode())


def dialog_of(page: Page, name: str):
    return page.get_by_role("dialog", name=name, exact=True)


# A page that follows its run


def test_the_page_follows_its_run_to_the_end_without_a_reload(open_page, ada, running):
    page = open_page(ada, running.console_path)
    page.evaluate("window.before = true")
    expect(page.locator("#run-status")).to_have_text("Running")
    expect(page.get_by_text("No output yet")).to_be_visible()

    push_items(running)
    expect(page.get_by_role("cell", name="item-2")).to_be_visible()

    Run.objects.filter(pk=running.pk).update(status_message="Half of it")
    expect(page.get_by_text("Half of it")).to_be_visible()

    finish(running.pk, JobStatus.SUCCEEDED, exit_code=0)
    expect(page.locator("#run-status")).to_have_text("Succeeded")
    expect(page.get_by_role("status").filter(has_text="The run has ended: succeeded.")).to_be_visible()
    expect(page.get_by_role("link", name="Resurrect")).to_be_visible()
    expect(page.get_by_role("link", name="Abort")).to_have_count(0)
    expect(page.locator("[hx-trigger^='every']")).to_have_count(0)
    assert page.evaluate("window.before") is True


def test_without_a_script_nothing_is_said_to_follow_the_run(open_page, ada, running):
    page = open_page(ada, f"{running.console_path}?tab=log", java_script_enabled=False)
    expect(page.get_by_role("log")).to_contain_text("Crawling")
    expect(page.get_by_text("by itself").filter(visible=True)).to_have_count(0)


def test_following_leaves_the_focus_where_it_is(open_page, ada, running):
    page = open_page(ada, running.console_path)
    abort = page.get_by_role("link", name="Abort")
    abort.focus()

    Run.objects.filter(pk=running.pk).update(status_message="Half of it")
    expect(page.get_by_text("Half of it")).to_be_visible()
    expect(abort).to_be_focused()


def test_focus_on_what_ends_with_the_run_goes_to_what_comes_instead(open_page, ada, running):
    page = open_page(ada, running.console_path)
    page.get_by_role("link", name="Abort").focus()

    finish(running.pk, JobStatus.SUCCEEDED, exit_code=0)

    expect(page.get_by_role("link", name="Resurrect")).to_be_focused()


def test_a_dialog_whose_button_is_gone_gives_the_focus_back_to_the_page(open_page, ada, running):
    page = open_page(ada, running.console_path)
    page.get_by_role("link", name="Abort").click()
    expect(dialog_of(page, "Abort run?")).to_be_visible()
    finish(running.pk, JobStatus.SUCCEEDED, exit_code=0)
    expect(page.locator("#run-status")).to_have_text("Succeeded")
    # The actions come a moment after the status; until then the button is there to give the focus back to.
    expect(page.locator("#run-actions").get_by_role("link", name="Abort")).to_have_count(0)

    page.keyboard.press("Escape")

    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_the_items_are_counted_where_they_are_shown(open_page, ada, refused):
    page = open_page(ada, refused.console_path)
    expect(page.get_by_role("cell", name="item-2")).to_be_visible()
    expect(page.get_by_role("region", name="How it goes").get_by_text("3", exact=True)).to_be_visible()


def test_the_log_goes_on_by_itself(open_page, ada, running):
    page = open_page(ada, f"{running.console_path}?tab=log")
    expect(page.get_by_role("log")).to_contain_text("Crawling")

    append(running.pk, b"2026-11-25T10:00:01.000Z Found <b>it</b>\n")
    expect(page.get_by_role("log")).to_contain_text("Found <b>it</b>")

    finish(running.pk, JobStatus.FAILED, exit_code=2)
    expect(page.locator("#run-status")).to_have_text("Failed")


def test_a_run_is_aborted_from_its_page(open_page, ada, running):
    page = open_page(ada, running.console_path)
    page.get_by_role("link", name="Abort").click()
    dialog = dialog_of(page, "Abort run?")
    expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Abort")).to_be_focused()

    page.get_by_role("link", name="Abort").click()
    dialog.get_by_role("button", name="Abort gracefully").click()

    expect(page.locator("#run-status")).to_have_text("Aborting")
    assert Run.objects.get(pk=running.pk).graceful_until > timezone.now()


def test_a_run_is_aborted_from_the_list(open_page, ada, running):
    page = open_page(ada, "/actors/runs")
    page.get_by_role("button", name=f"Actions for {running.pk}").click()
    page.get_by_role("link", name="Abort").click()
    dialog_of(page, "Abort run?").get_by_role("button", name="Abort now").click()

    expect(page.locator("#run-status")).to_have_text("Aborting")


def test_the_list_is_filtered_by_status_without_a_reload(open_page, ada, running, refused):
    page = open_page(ada, "/actors/runs")
    expect(page.get_by_role("link", name=running.pk)).to_be_visible()

    page.get_by_role("combobox", name="Status").select_option("Failed")

    expect(page.get_by_role("link", name=running.pk)).to_have_count(0)
    expect(page.get_by_role("link", name=refused.pk)).to_be_visible()
    expect(page).to_have_url(re.compile("status=FAILED"))


def test_who_was_refused_is_led_to_the_settings(open_page, ada, refused):
    page = open_page(ada, refused.console_path)
    notice = page.get_by_role("region", name="This run was refused access")
    expect(notice).to_contain_text("GET /v2/datasets/abc/items")

    notice.get_by_role("link", name="Settings → Security & Privacy").click()

    expect(page.get_by_role("heading", name="General resource access")).to_be_in_viewport()


# Tasks and schedules


def test_rows_of_a_narrow_page_stay_beside_their_icons(open_page, ada, schedule, refused):
    page = open_page(ada, schedule.console_path, viewport={"width": 360, "height": 800})
    for path in (schedule.console_path, f"{refused.console_path}?tab=storage"):
        page.goto(path)
        for row in page.locator(".rows > li").all():
            icon, name = row.locator("svg").first.bounding_box(), row.locator("a, .strong").first.bounding_box()
            assert icon is not None
            assert name is not None
            assert name["x"] - (icon["x"] + icon["width"]) < 24, "nothing is as wide as the icon's column"


def test_a_task_is_made_and_started(open_page, ada, actor):
    page = open_page(ada, f"/tasks/new?actor={actor.pk}")
    page.get_by_role("textbox", name="Name (optional)").fill("weekly")
    page.get_by_role("textbox", name="Input (optional)").fill("{")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("textbox", name="Input (optional)")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("textbox", name="Input (optional)").fill('{"city": "Brno"}')
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="weekly")).to_be_visible()

    page.get_by_role("button", name="Start").click()

    expect(page.locator("#run-status")).to_have_text("Ready")
    assert Run.objects.get().task_id == Task.objects.get().pk


def test_an_actors_page_leads_by_keyboard_to_a_task_and_a_schedule_of_it(open_page, ada, actor):
    page = open_page(ada, actor.console_path)
    for link, title, choice, wanted in (
        ("Save as task", "New task", "Actor", actor.pk),
        ("Schedule", "New schedule", "Start", f"{Kind.ACTOR.value}:{actor.pk}"),
    ):
        button = page.get_by_role("main").get_by_role("link", name=link, exact=True)
        button.focus()
        page.keyboard.press("Enter")
        expect(dialog_of(page, title).get_by_role("combobox", name=choice)).to_have_value(wanted)
        page.keyboard.press("Escape")
        expect(button).to_be_focused()


def test_a_schedule_says_what_its_times_come_to_as_they_are_written(open_page, ada, task):
    page = open_page(ada, "/schedules")
    page.get_by_role("link", name="New schedule").first.click()
    dialog = dialog_of(page, "New schedule")
    expect(dialog.get_by_text("At 06:00 every day")).to_be_visible()

    dialog.get_by_role("textbox", name="Cron expression").fill("15 9 * * MON")
    expect(dialog.get_by_text("At 09:15 on Monday")).to_be_visible()
    expect(dialog.get_by_role("textbox", name="Cron expression")).to_be_focused()
    dialog.get_by_role("combobox", name="Time zone").select_option("Asia/Tokyo")
    expect(dialog.get_by_text("Asia/Tokyo. The next 5 times:")).to_be_visible()
    dialog.get_by_role("combobox", name="Start").select_option(LONG)
    dialog.get_by_role("button", name="Create").click()

    expect(page.get_by_text("Enabled")).to_be_visible()
    expect(page.get_by_role("link", name=LONG, exact=True)).to_be_visible()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("The schedule is disabled, and starts nothing.")).to_be_visible()
    assert not Schedule.objects.get().is_enabled


def test_something_is_added_to_what_a_schedule_starts_and_taken_away(open_page, ada, schedule):
    page = open_page(ada, schedule.console_path)
    page.get_by_role("link", name="Remove dan/character-finder").click()
    dialog_of(page, "Do not start it any more?").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("link", name="character-finder")).to_have_count(0)

    page.get_by_role("link", name="Add", exact=True).click()
    dialog_of(page, "Start something").get_by_role("button", name="Add").click()

    expect(page.get_by_role("link", name=f"Remove {LONG}")).to_have_count(2)


# Looks


@pytest.fixture
def pages(running, refused, task, schedule, make_run):
    make_run(JobStatus.ABORTED, task=task)
    return [
        "/",
        "/actors/runs",
        "/actors/runs?status=READY",
        *(
            f"{run.console_path}{tab}"
            for run in (running, refused)
            for tab in ("", "?tab=log", "?tab=input", "?tab=storage")
        ),
        "/tasks",
        task.console_path,
        f"{task.console_path}/runs",
        "/tasks/new",
        "/schedules",
        schedule.console_path,
        f"{schedule.console_path}/log",
        "/schedules/new",
    ]


@pytest.fixture
def dialogs(running, refused, task, schedule):
    return [
        (running.console_path, f"{running.console_path}/abort"),
        (refused.console_path, f"{refused.console_path}/resurrect"),
        (refused.console_path, f"{refused.console_path}/delete"),
        (refused.console_path, f"{refused.console_path}/share"),
        ("/tasks", "/tasks/new"),
        (task.console_path, f"{task.console_path}/rename"),
        (task.console_path, f"{task.console_path}/delete"),
        ("/schedules", "/schedules/new"),
        (schedule.console_path, f"{schedule.console_path}/actions/new"),
        (schedule.console_path, f"{schedule.console_path}/actions/first/remove"),
        (schedule.console_path, f"{schedule.console_path}/delete"),
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_pages_are_accessible_and_have_room_on_a_telephone(open_page, ada, pages, violations, scheme):
    page = open_page(ada, "/", color_scheme=scheme)
    for path in pages:
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(path)
            assert has_room(page), (path, width)
            assert violations(page) == [], (path, width)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_dialogs_are_accessible(open_page, ada, dialogs, violations, scheme):
    page = open_page(ada, "/", color_scheme=scheme)
    for path, address in dialogs:
        page.goto(path)
        link = page.locator(f'a[href="{address}"][data-dialog]').first
        link.evaluate("link => link.click()")
        expect(page.get_by_role("dialog")).to_be_visible()
        assert violations(page) == [], address
        page.set_viewport_size({"width": 360, "height": 800})
        assert violations(page) == [], address
        page.set_viewport_size({"width": 1280, "height": 800})


def test_an_empty_account_is_told_what_to_do(open_page, cleo, violations):
    page = open_page(cleo, "/")
    for path in ("/actors/runs", "/tasks", "/schedules"):
        page.goto(path)
        expect(page.get_by_role("heading", name="yet")).to_be_visible()
        assert violations(page) == []
