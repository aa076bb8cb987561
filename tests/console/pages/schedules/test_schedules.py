"""The pages of schedules: who is refused and how, bad input, then what they show and do."""

import re
from datetime import UTC, datetime

import pytest

from console.pages.schedules.presentation import describe_times
from resources.kinds import Kind
from resources.models import Schedule, ScheduleInvocation
from resources.schedules import editing
from resources.schedules.actions import RunActor, RunActorTask, dump_actions, get_actions
from tests.support.factories import give

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
READS = ("", "/log")
DIALOGS = ("/actions/new", "/actions/first/remove", "/rename", "/delete")
POSTS = ("/times", "/enabled", *DIALOGS)


@pytest.fixture
def actor(dan, make_resource):
    return make_resource(Kind.ACTOR, dan, name="finder", is_public=True)


@pytest.fixture
def task(ada, actor, make_resource):
    return make_resource(Kind.TASK, ada, name="weekly", actor=actor)


@pytest.fixture
def schedule(ada, actor, task, make_resource):
    actions = [RunActor(actor_id=actor.pk, id="first"), RunActorTask(actor_task_id=task.pk, id="second")]
    return make_resource(
        Kind.SCHEDULE,
        ada,
        name="nightly",
        cron_expression="30 2 * * *",
        timezone="Europe/Prague",
        actions=dump_actions(actions),
    )


def text_of(response) -> str:
    return response.content.decode()


# Refusals


@pytest.mark.parametrize("path", [*READS, *DIALOGS])
def test_nobody_is_sent_to_sign_in_and_back(client, schedule, path):
    for url in (schedule.console_path + path, "/schedules", "/schedules/new", "/schedules/preview"):
        response = client.get(url)
        assert response.status_code == 302
        assert f"next={url}" in response.url


@pytest.mark.parametrize("path", [*READS, *DIALOGS])
def test_a_stranger_sees_nothing_of_it(cleo, signed_in, schedule, path):
    browser = signed_in(cleo)

    for url in (schedule.console_path + path, f"/schedules/ada~nightly{path}"):
        response = browser.get(url)
        assert response.status_code == 404
        assert "weekly" not in text_of(response)
    for each in POSTS:
        assert browser.post(schedule.console_path + each, {"enabled": "1", "name": "mine"}).status_code == 404
    assert not Schedule.objects.get().is_enabled


def test_a_reader_changes_nothing(ben, signed_in, schedule):
    give(schedule, ben)
    browser = signed_in(ben)

    text = text_of(browser.get(schedule.console_path))
    assert "<select" not in text
    assert f'action="{schedule.console_path}/enabled"' not in text
    for path in DIALOGS:
        assert f'href="{schedule.console_path}{path}"' not in text
        assert browser.get(schedule.console_path + path).status_code == 403
    for path in POSTS:
        assert browser.post(schedule.console_path + path, {"enabled": "1", "name": "mine"}).status_code == 403
    schedule.refresh_from_db()
    assert (schedule.name, schedule.is_enabled, len(get_actions(schedule))) == ("nightly", False, 2)


def test_what_it_starts_is_named_only_to_who_may_know_the_name(ben, signed_in, schedule, actor, task):
    actor.is_public = False
    actor.save()
    give(schedule, ben)

    text = text_of(signed_in(ben).get(schedule.console_path))

    assert "finder" not in text
    assert "weekly" not in text
    assert "an Actor" in text
    assert actor.pk not in text
    assert f'href="{task.console_path}"' not in text
    assert f'href="{task.console_path}"' in text_of(signed_in(task.owner).get(schedule.console_path))


def test_what_may_not_be_run_is_not_scheduled(ben, cleo, signed_in, schedule, actor, task, make_resource):
    private = make_resource(Kind.ACTOR, cleo, name="private")
    of_ben = make_resource(Kind.ACTOR, ben, name="of-ben")
    give(schedule, ben, "READ", "WRITE")
    give(private, ben)
    browser = signed_in(ben)

    # Not shared at all, to be read only, and for the schedule's owner not to be run.
    for starts in (f"task:{task.pk}", f"actor:{private.pk}", f"actor:{of_ben.pk}", "actor:a\x00b", "run:x", "actor:"):
        response = browser.post(f"{schedule.console_path}/actions/new", {"starts": starts}, headers=HTMX)
        assert response.status_code == 422, starts
        assert 'id="id_starts_error"' in text_of(response)
    form = {"cron_expression": "@daily", "timezone": "UTC", "starts": f"task:{task.pk}"}
    assert browser.post("/schedules/new", form).status_code == 422
    assert [len(get_actions(each)) for each in Schedule.objects.all()] == [2]


def test_changing_is_not_done_by_looking(ada, signed_in, schedule):
    for path in ("/times", "/enabled"):
        assert signed_in(ada).get(schedule.console_path + path).status_code == 405


# Bad input


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cron_expression", ""),
        ("cron_expression", "* * *"),
        ("cron_expression", "61 * * * *"),
        ("cron_expression", "0 0 31 2 *"),
        ("cron_expression", "x" * 300),
        ("cron_expression", "a\x00b"),
        ("timezone", "Europe/Nowhere"),
        ("timezone", ""),
        ("timezone", "../../etc/passwd"),
    ],
)
def test_what_is_no_time_is_said_beside_the_field(ada, signed_in, schedule, field, value):
    form = {"cron_expression": "0 0 * * *", "timezone": "UTC"} | {field: value}
    browser = signed_in(ada)

    for path in (f"{schedule.console_path}/times", "/schedules/new"):
        response = browser.post(path, form)
        assert response.status_code == 422
        assert f'id="id_{field}_error"' in text_of(response)
    schedule.refresh_from_db()
    assert schedule.cron_expression == "30 2 * * *"
    assert Schedule.objects.count() == 1


@pytest.mark.parametrize("query", ["", "cron_expression=%00&timezone=%00", "cron_expression=*&timezone=UTC"])
def test_a_preview_of_no_time_says_what_is_wrong(ada, signed_in, query):
    response = signed_in(ada).get(f"/schedules/preview?{query}", headers=HTMX)

    assert response.status_code == 200
    assert "Invalid cron expression" in text_of(response)


@pytest.mark.parametrize("value", ["{", "[1]", "[" * 100_000, "a\x00b"])
def test_an_input_that_is_no_object_is_said_beside_the_field(ada, signed_in, schedule, actor, value):
    form = {"starts": f"actor:{actor.pk}", "input": value}

    response = signed_in(ada).post(f"{schedule.console_path}/actions/new", form, headers=HTMX)

    assert response.status_code == 422
    assert 'id="id_input_error"' in text_of(response)


# What works


def test_the_list_shows_mine_and_shared_in_words(ada, ben, cleo, signed_in, schedule, make_resource):
    of_ben = make_resource(Kind.SCHEDULE, ben, name="of-ben", is_enabled=True, cron_expression="@hourly")
    make_resource(Kind.SCHEDULE, cleo, name="of-cleo")
    give(of_ben, ada)
    browser = signed_in(ada)

    def found(query=""):
        return {row.schedule.name: row for row in browser.get(f"/schedules{query}").context["rows"]}

    assert set(found()) == {"nightly", "of-ben"}
    assert set(found("?ownership=shared")) == {"of-ben"}
    assert (found()["nightly"].sentence, found()["nightly"].action_count) == ("At 02:30 every day", 2)
    assert found()["of-ben"].how == "shared by ben"
    assert f'href="{of_ben.console_path}/share"' in text_of(browser.get("/schedules"))


def test_the_queries_of_the_list_do_not_grow(ada, ben, signed_in, make_resource, django_assert_num_queries):
    browser = signed_in(ada)
    browser.get("/")  # the first request of a session is recorded

    def add(rows):
        for _ in range(rows):
            make_resource(Kind.SCHEDULE, ada)
            give(make_resource(Kind.SCHEDULE, ben), ada)

    add(2)
    with django_assert_num_queries(10):
        assert len(browser.get("/schedules").context["rows"]) == 4
    add(8)
    with django_assert_num_queries(10):
        assert len(browser.get("/schedules").context["rows"]) == 20


def test_the_page_says_when_it_fires_and_what_it_starts(ada, signed_in, schedule, actor, task):
    text = text_of(signed_in(ada).get(schedule.console_path))

    assert "At 02:30 every day" in text
    assert text.count("02:30</time>") == 5
    assert f'href="{actor.console_path}"' in text
    assert "dan/finder" in text
    assert f'href="{task.console_path}"' in text


def test_the_next_times_are_those_of_the_time_zone_across_a_change_of_the_clock():
    shown = describe_times("30 8 * * *", "Europe/Prague", datetime(2026, 10, 23, 12, tzinfo=UTC))

    assert [each.strftime("%d %H:%M %z") for each in shown.upcoming] == [
        "24 08:30 +0200",
        "25 08:30 +0100",
        "26 08:30 +0100",
        "27 08:30 +0100",
        "28 08:30 +0100",
    ]


def test_a_preview_says_what_it_comes_to(ada, signed_in):
    query = {"cron_expression": "0 9 * * MON-FRI", "timezone": "Asia/Tokyo"}

    text = text_of(signed_in(ada).get("/schedules/preview", query, headers=HTMX))

    assert "At 09:00 on Monday through Friday" in text
    assert text.count("09:00</time>") == 5
    assert "+09:00" in text


def test_a_schedule_is_made_with_what_it_starts(ada, signed_in, task):
    form = {"name": "daily", "cron_expression": "@daily", "timezone": "UTC", "starts": f"task:{task.pk}"}
    form |= {"input": '{"city": "Brno"}', "is_enabled": "on"}

    response = signed_in(ada).post("/schedules/new", form, headers=HTMX)

    schedule = Schedule.objects.get()
    assert response.headers["HX-Redirect"] == schedule.console_path
    assert (schedule.name, schedule.is_enabled, schedule.owner_id) == ("daily", True, ada.pk)
    assert schedule.next_at is not None
    (action,) = get_actions(schedule)
    assert (action.actor_task_id, action.input) == (task.pk, {"city": "Brno"})


def test_a_public_actor_is_offered_where_it_is_asked_for(ben, signed_in, actor):
    browser = signed_in(ben)
    text = text_of(browser.get("/schedules/new", {"actor": actor.pk}))
    assert f'value="actor:{actor.pk}" selected' in text
    assert "dan/finder" in text

    form = {"cron_expression": "@daily", "timezone": "UTC", "starts": f"actor:{actor.pk}"}
    browser.post("/schedules/new", form)

    schedule = Schedule.objects.get()
    assert not schedule.is_enabled
    assert get_actions(schedule)[0].actor_id == actor.pk


@pytest.mark.parametrize(("dialog", "first"), [("/schedules/new", "name"), ("{}/actions/new", "starts")])
def test_a_dialog_has_the_focus_in_its_first_field(ada, signed_in, schedule, dialog, first):
    form = signed_in(ada).get(dialog.format(schedule.console_path)).context["form"]
    assert [field.name for field in form if "autofocus" in str(field)] == [first]


def test_only_what_one_may_start_is_offered(ben, dan, signed_in, make_resource):
    read, run = (make_resource(Kind.ACTOR, dan, name=name) for name in ("read", "run"))
    give(read, ben)
    give(run, ben, "READ", "RUN")
    for actor in (read, run):
        give(make_resource(Kind.TASK, dan, name=f"task-{actor.name}", actor=actor), ben)

    text = text_of(signed_in(ben).get("/schedules/new"))

    assert re.findall(r"<option[^>]*>(dan/[\w-]+)</option>", text) == ["dan/task-run", "dan/run"]


def test_only_the_owner_adds_to_what_a_schedule_starts(ada, ben, signed_in, schedule, make_resource):
    """Not even an Actor of the owner's, which the writer may run: its runs speak for the owner."""
    give(schedule, ben, "READ", "WRITE")
    adas = make_resource(Kind.ACTOR, ada, name="adas")
    give(adas, ben, "READ", "RUN")
    browser, path = signed_in(ben), f"{schedule.console_path}/actions/new"

    assert f'href="{path}"' not in text_of(browser.get(schedule.console_path))
    dialog = text_of(browser.get(path))
    assert "Only ada can choose what this schedule starts" in dialog
    assert "adas" not in dialog
    refused = browser.post(path, {"starts": f"actor:{adas.pk}"}, headers=HTMX)
    assert refused.status_code == 422
    assert "Only its owner can choose" in text_of(refused)
    schedule.refresh_from_db()
    assert len(get_actions(schedule)) == 2

    owner = signed_in(ada)
    assert f'href="{path}"' in text_of(owner.get(schedule.console_path))
    owner.post(path, {"starts": f"actor:{adas.pk}"})
    schedule.refresh_from_db()
    assert len(get_actions(schedule)) == 3


def test_times_are_saved_and_it_is_switched_on_and_off(ada, signed_in, schedule):
    browser = signed_in(ada)

    browser.post(f"{schedule.console_path}/times", {"cron_expression": "0 6 * * 1", "timezone": "UTC"})
    browser.post(f"{schedule.console_path}/enabled", {"enabled": "1"})
    schedule.refresh_from_db()
    assert (schedule.cron_expression, schedule.timezone, schedule.is_enabled) == ("0 6 * * 1", "UTC", True)
    assert schedule.next_at.hour == 6

    browser.post(f"{schedule.console_path}/enabled", {"enabled": "0"})
    schedule.refresh_from_db()
    assert (schedule.is_enabled, schedule.next_at) == (False, None)


def test_things_are_added_to_what_it_starts_and_taken_away(ada, signed_in, schedule, actor):
    browser = signed_in(ada)

    browser.post(f"{schedule.console_path}/actions/new", {"starts": f"actor:{actor.pk}", "input": '{"a": 1}'})
    schedule.refresh_from_db()
    assert [each.run_input.body for each in get_actions(schedule)[2:]] == ['{"a":1}']
    assert "finder" in text_of(browser.get(f"{schedule.console_path}/actions/first/remove"))
    browser.post(f"{schedule.console_path}/actions/first/remove")

    schedule.refresh_from_db()
    assert "first" not in [each.id for each in get_actions(schedule)]
    assert len(get_actions(schedule)) == 2
    assert browser.get(f"{schedule.console_path}/actions/first/remove").status_code == 302


def test_the_log_says_what_came_of_it(ada, signed_in, schedule):
    assert "Nothing has happened yet" in text_of(signed_in(ada).get(f"{schedule.console_path}/log"))
    ScheduleInvocation.objects.create(schedule=schedule, message="Started <b>run</b>")
    ScheduleInvocation.objects.create(schedule=schedule, level="ERROR", message="Refused")

    text = text_of(signed_in(ada).get(f"{schedule.console_path}/log"))

    assert "Started &lt;b&gt;run" in text
    assert text.index("Refused") < text.index("Started")


def test_the_log_leads_its_owner_to_the_runs_that_there_are(ada, ben, signed_in, schedule, actor, make_resource):
    give(schedule, ben)
    run = make_resource(Kind.RUN, ada, actor=actor, general_access="RESTRICTED")
    gone = "0" * 17
    for run_id in (run.pk, gone):
        ScheduleInvocation.objects.create(schedule=schedule, message=f"Started the run {run_id} of the Actor <finder>.")

    text = text_of(signed_in(ada).get(f"{schedule.console_path}/log"))
    assert f'Started the run <a class="id" href="{run.console_path}">{run.pk}</a> of the Actor &lt;finder&gt;.' in text
    assert f"Started the run {gone} of the Actor &lt;finder&gt;." in text
    text = text_of(signed_in(ben).get(f"{schedule.console_path}/log"))
    assert f"Started the run {run.pk} of" in text
    assert f'href="{run.console_path}"' not in text


def test_renaming_and_deleting(ada, signed_in, schedule):
    browser = signed_in(ada)
    assert browser.post(f"{schedule.console_path}/rename", {"name": "a b"}).status_code == 422

    browser.post(f"{schedule.console_path}/rename", {"name": "daily"})
    assert Schedule.objects.get().name == "daily"
    response = browser.post(f"{schedule.console_path}/delete", headers=HTMX)

    assert response.headers["HX-Redirect"] == "/schedules"
    assert not Schedule.objects.exists()


# Two at once


@pytest.fixture
def meanwhile(monkeypatch):
    """Do something just before the next change of a schedule is saved, as somebody else may."""

    def prepare(do):
        save = editing.update

        def overtaken(*args, **kwargs):
            monkeypatch.setattr(editing, "update", save)
            do()
            save(*args, **kwargs)

        monkeypatch.setattr(editing, "update", overtaken)

    return prepare


def test_two_who_change_what_it_starts_lose_neither(ada, signed_in, schedule, actor, meanwhile):
    browser = signed_in(ada)
    third = RunActor(actor_id=actor.pk, id="third")
    others = [*get_actions(schedule), third]
    meanwhile(lambda: Schedule.objects.update(actions=dump_actions(others)))
    browser.post(f"{schedule.console_path}/actions/new", {"starts": f"actor:{actor.pk}"})
    kept = get_actions(Schedule.objects.get())
    assert kept[:3] == others
    assert len(kept) == 4

    meanwhile(lambda: Schedule.objects.update(actions=dump_actions(others[1:])))
    browser.post(f"{schedule.console_path}/actions/second/remove")
    assert get_actions(Schedule.objects.get()) == [third]


@pytest.mark.parametrize("path", ["/actions/new", "/actions/first/remove"])
def test_a_schedule_that_is_deleted_meanwhile_is_not_there(ada, signed_in, schedule, actor, meanwhile, path):
    meanwhile(lambda: Schedule.objects.get().delete())
    response = signed_in(ada).post(schedule.console_path + path, {"starts": f"actor:{actor.pk}"}, headers=HTMX)
    assert response.status_code == 404
