"""Secret input fields on the pages: dots for what is saved, kept by a form that does not touch them, never repeated."""

import html
import json
import re

import pytest

from console.pages.components.secret_masking import DOTS, mask_secrets
from resources.models import Actor, Build, Run, Schedule, Task
from resources.runs import starting
from resources.runs.options import RunOptions
from resources.tasks import editing
from tests.support.factories import built, built_actor
from tests.support.secret_stage import (
    GIVEN,
    JSON,
    PASSWORD,
    SCHEMA,
    give_schema,
    read_by,
    secret_actor,
    shows_no_secret,
    stored,
)

pytestmark = pytest.mark.django_db
OPTIONS = {"build": "latest", "timeout_secs": "60", "memory_mbytes": "256"}
URL = json.dumps({"url": GIVEN["url"]})


@pytest.fixture
def actor(ada) -> Actor:
    return secret_actor(ada)


@pytest.fixture
def task(ada, actor) -> Task:
    return editing.create(ada.pk, actor, editing.TaskChange(name="mine", input=json.dumps(GIVEN)), by=ada.principal)


def fields_of(text: str) -> dict[str, str]:
    """Return the names of the inputs of the type password by their labels, and check that none has a value."""
    names = {}
    for element in re.findall(r'<input type="password"[^>]*>', text):
        assert " value=" not in element
        (name,) = re.findall(r'name="([^"]*)"', element)
        (label,) = re.findall(rf'<label for="id_{name}">([^<]*)', text)
        names[label.strip()] = name
    return names


def page(client, path: str, status: int = 200, **data) -> str:
    response = client.post(path, data) if data else client.get(path)
    text = html.unescape(response.content.decode())
    assert response.status_code == status, text
    assert shows_no_secret(text)
    return text


def posted(client, path: str, **data) -> None:
    response = client.post(path, data)
    assert response.status_code == 302, response.content.decode()


# Starting


def test_the_dialog_that_starts_an_actor_has_a_password_for_each_secret_field(signed_in, ada, actor):
    here, path = signed_in(ada), f"/actors/{actor.pk}/start"
    names = fields_of(page(here, path))
    assert set(names) == {"Password", "Cookies"}
    given = {names["Password"]: PASSWORD, names["Cookies"]: json.dumps(GIVEN["cookies"])}
    posted(here, path, input=URL, **given, **OPTIONS)
    assert shows_no_secret(stored(Run.objects.get()))
    assert read_by(Run.objects.get()) == GIVEN


def test_a_secret_that_is_typed_as_json_is_taken_too(signed_in, ada, actor):
    posted(signed_in(ada), f"/actors/{actor.pk}/start", input=json.dumps(GIVEN), **OPTIONS)
    assert read_by(Run.objects.get()) == GIVEN


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(GIVEN),
        json.dumps(GIVEN, indent=2),
        f'{{"password": "{PASSWORD}"',
        f'{{"password": "{PASSWORD}, "url": "x"}}',
        f'{{"pass\\u0077ord": "{PASSWORD}", }}',
        f"{{'password': '{PASSWORD}'}}",
        f"password: {PASSWORD}\nurl: x",
        f'{{"cookies": [{{"value": "sugar-and-spice"}}, {{"url": 5, "password": "{PASSWORD}"}}',
    ],
)
def test_a_form_that_comes_back_does_not_repeat_a_secret(signed_in, ada, actor, text):
    here, path = signed_in(ada), f"/actors/{actor.pk}/start"
    names = fields_of(page(here, path))
    shown = page(here, path, 422, input=text, **{**OPTIONS, "memory_mbytes": "300"}, **{names["Password"]: PASSWORD})
    assert DOTS in shown
    assert "Enter “Password” again" in shown
    assert not Run.objects.exists()


def test_what_is_wrong_with_a_secret_is_said_without_it(signed_in, ada, actor):
    here, path = signed_in(ada), f"/actors/{actor.pk}/start"
    names = fields_of(page(here, path))
    shown = page(here, path, 422, input=URL, **{names["Cookies"]: f"[{PASSWORD}"}, **OPTIONS)
    assert "This is not JSON." in shown
    schema = json.loads(json.dumps(SCHEMA))
    schema["properties"]["password"]["minLength"] = 50
    give_schema(built(actor, "0.1.3"), schema)
    shown = page(here, path, 422, input=URL, **{names["Password"]: PASSWORD}, **OPTIONS)
    assert "Field input.password must have at least 50 characters." in shown


def test_dots_that_stand_for_nothing_are_refused(signed_in, ada, actor):
    given = {"password": DOTS}
    shown = page(signed_in(ada), f"/actors/{actor.pk}/start", 422, input=json.dumps(given), **OPTIONS)
    assert "the dots in the input stand for one that is not saved" in shown


def test_the_types_in_a_schema_cannot_bring_markup(signed_in, ada, actor):
    field = {"title": "<b>T</b>", "type": "<script>", "isSecret": True}
    give_schema(built(actor, "0.1.3"), {"type": "object", "properties": {"<i>": field}})
    answer = signed_in(ada).get(f"/actors/{actor.pk}/start").content.decode()
    assert not any(markup in answer for markup in ("<b>T", "<script>Secret", "<i>"))


# Runs


def test_the_input_of_a_run_is_shown_with_dots(signed_in, ada, actor):
    run = starting.start(actor, by=ada.principal, input=json.dumps(GIVEN).encode(), content_type=JSON)
    shown = page(signed_in(ada), f"{run.console_path}?tab=input")
    assert shown.count(DOTS) == 2
    assert "ENCRYPTED" not in shown
    assert GIVEN["url"] in shown


def test_an_input_from_before_is_shown_with_dots_too(signed_in, ada, actor):
    given = {"input": json.dumps(GIVEN).encode(), "content_type": JSON, "options": RunOptions(build="0.1.1")}
    run = starting.start(actor, by=ada.principal, **given)
    Run.objects.update(build=Build.objects.get(number="0.1.2"))
    assert not shows_no_secret(stored(run))
    assert page(signed_in(ada), f"{run.console_path}?tab=input").count(DOTS) == 2


@pytest.mark.parametrize("goes_on", ["metamorph", "resurrect", "metamorph back"])
def test_an_input_from_before_is_shown_with_dots_whatever_the_run_became(signed_in, ada, actor, goes_on):
    target = built_actor(ada, name="target")
    given = {"input": json.dumps(GIVEN).encode(), "content_type": JSON, "options": RunOptions(build="0.1.1")}
    run = starting.start(actor, by=ada.principal, **given)
    if goes_on == "metamorph back":
        run = starting.start(target, by=ada.principal, input=given["input"], content_type=JSON)
    secret, plain = Build.objects.get(number="0.1.2"), Build.objects.get(actor_id=target.pk)
    made = [{"actorId": each.actor_id, "buildId": each.pk, "inputKey": None} for each in (secret, plain)]
    changes = {
        "metamorph": {"build": plain, "metamorphs": made[1:]},
        "resurrect": {"resurrect_count": 1},
        "metamorph back": {"build": plain, "metamorphs": made},
    }
    Run.objects.filter(pk=run.pk).update(**changes[goes_on])
    assert not shows_no_secret(stored(run))
    assert page(signed_in(ada), f"{run.console_path}?tab=input").count(DOTS) == 2


# Tasks


def test_the_page_of_a_task_keeps_the_secrets_that_are_not_touched(signed_in, ada, task):
    here, path = signed_in(ada), task.console_path
    shown = page(here, path)
    assert "ENCRYPTED" not in shown
    assert DOTS in shown
    names = fields_of(shown)
    posted(here, f"{path}/input", input='{"url": "https://example.org/"}', **OPTIONS)
    before, task.input = task.input, Task.objects.get(pk=task.pk).input
    assert json.loads(task.input) == {**json.loads(before), "url": "https://example.org/"}
    posted(here, f"{path}/input", input=URL, **{names["Password"]: "another-one"}, **OPTIONS)
    posted(here, f"{path}/start")
    assert "another-one" not in Task.objects.get(pk=task.pk).input
    assert read_by(Run.objects.get()) == {**GIVEN, "password": "another-one"}


def test_a_saved_secret_is_removed_where_its_box_is_ticked(signed_in, ada, task):
    here = signed_in(ada)
    names = fields_of(page(here, task.console_path))
    posted(here, f"{task.console_path}/input", input=URL, **{f"{names['Password']}-remove": "on"}, **OPTIONS)
    assert set(json.loads(Task.objects.get(pk=task.pk).input)) == {"url", "cookies"}


def test_who_may_only_read_a_task_sees_dots(signed_in, ada, ben, task, give):
    give(task, ben)
    shown = page(signed_in(ben), task.console_path)
    assert "ENCRYPTED" not in shown
    assert shown.count(DOTS) == 2
    assert GIVEN["url"] in shown


def test_who_may_change_a_task_keeps_its_owners_secrets_and_does_not_see_them(signed_in, ada, ben, task, give):
    give(task, ben, "WRITE")
    here = signed_in(ben)
    page(here, task.console_path)
    as_it_was = {**OPTIONS, "build": ""}  # which build runs is the owner's to choose
    posted(here, f"{task.console_path}/input", input=URL, **as_it_was)
    assert json.loads(Task.objects.get(pk=task.pk).input) == json.loads(task.input)


def test_a_new_task_asks_for_the_secret_fields_of_its_actor(signed_in, ada, cleo, actor):
    here = signed_in(ada)
    names = fields_of(page(here, f"/tasks/new?actor={actor.pk}"))
    options = {**OPTIONS, "build": ""}
    shown = page(here, "/tasks/new", 422, actor=actor.pk, input=json.dumps(GIVEN)[:-1], **options)
    assert set(fields_of(shown)) == {"Password", "Cookies"}
    posted(here, "/tasks/new", actor=actor.pk, input=URL, **{names["Password"]: PASSWORD}, **options)
    kept = json.loads(Task.objects.get().input)
    assert set(kept) == {"url", "password"}
    assert fields_of(page(signed_in(cleo), f"/tasks/new?actor={actor.pk}")) == {}  # a private Actor says nothing


# Schedules


def test_a_schedule_asks_for_the_secret_fields_of_what_it_starts(signed_in, ada, cleo, actor, task):
    here = signed_in(ada)
    starts = f"actor:{actor.pk}"
    names = fields_of(page(here, f"/schedules/new?starts={starts}"))
    times = {"cron_expression": "0 6 * * *", "timezone": "UTC"}
    shown = page(here, "/schedules/new", 422, starts=starts, input=json.dumps(GIVEN), **{**times, "timezone": "x"})
    assert set(fields_of(shown)) == {"Password", "Cookies"}
    posted(here, "/schedules/new", starts=starts, input=URL, **{names["Password"]: PASSWORD}, **times)
    schedule = Schedule.objects.get()
    assert shows_no_secret(schedule.actions)
    kept = json.loads(json.loads(schedule.actions)[0]["runInput"]["body"])
    assert set(kept) == {"url", "password"}
    assert fields_of(page(signed_in(cleo), f"/schedules/new?starts={starts}")) == {}

    add = f"{schedule.console_path}/actions/new"
    shown = page(here, f"{add}?starts=task:{task.pk}")
    assert "the task's own value is taken" in shown
    posted(here, add, starts=f"task:{task.pk}", input="", **{names["Password"]: PASSWORD})
    schedule.refresh_from_db()
    assert shows_no_secret(schedule.actions)
    assert set(json.loads(schedule.actions)[1]["input"]) == {"password"}
    page(here, schedule.console_path)


# Masking


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a": "x", "b": {"a": "y"}}', '{"a": "DOTS", "b": {"a": "y"}}'),
        ('{"a": {"a": [1, {"b": 2}]}, "c": 3}', '{"a": "DOTS", "c": 3}'),
        ('{"a": 5, "c": [{"a": 1}]}', '{"a": "DOTS", "c": [{"a": 1}]}'),
        ('{"c": "a", "a": null}', '{"c": "a", "a": "DOTS"}'),
        ('{"a": ', '{"a": '),
        ("", ""),
        ('["ENCRYPTED_VALUE:AAAA:BBBB"]', '["DOTS"]'),
        ('{"x": {"y": "ENCRYPTED_JSON:0123456789:AAAA:BBBB"}}', '{"x": {"y": "DOTS"}}'),
    ],
)
def test_masked(text, shown):
    assert mask_secrets(text, {"a"}) == shown.replace("DOTS", DOTS)
