"""The pages of tasks: who is refused and how, bad input, then what they show and do."""

import json
import re

import pytest

from resources.jobs.status import Origin
from resources.kinds import Kind
from resources.models import Actor, BuildContent, Run, TaggedBuild, Task
from resources.records.reading import find, open_record
from resources.runs.saved_options import SavedOptions, dump_options, load_options
from sharing.models import Grant
from sharing.permissions import Permission
from tests.support.factories import built_actor, give

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
READS = ("", "/runs")
DIALOGS = ("/rename", "/delete")
POSTS = ("/input", "/rename", "/delete")


@pytest.fixture
def actor(dan) -> Actor:
    return built_actor(dan, name="finder", is_public=True)


@pytest.fixture
def task(ada, actor, make_resource):
    options = dump_options(SavedOptions(timeout_secs=90, max_items=7))
    return make_resource(Kind.TASK, ada, name="weekly", actor=actor, input='{"city": "Brno"}', options=options)


def text_of(response) -> str:
    return response.content.decode()


# Refusals


@pytest.mark.parametrize("path", [*READS, *DIALOGS])
def test_nobody_is_sent_to_sign_in_and_back(client, task, path):
    for url in (task.console_path + path, "/tasks", "/tasks/new"):
        response = client.get(url)
        assert response.status_code == 302
        assert f"next={url}" in response.url


@pytest.mark.parametrize("path", [*READS, *DIALOGS])
def test_a_stranger_sees_nothing_of_it(cleo, signed_in, task, path):
    browser = signed_in(cleo)

    for url in (task.console_path + path, f"/tasks/ada~weekly{path}"):
        response = browser.get(url)
        assert response.status_code == 404
        assert "Brno" not in text_of(response)
    for each in (*POSTS, "/start"):
        assert browser.post(task.console_path + each).status_code == 404
    assert not Run.objects.exists()


def test_a_reader_reads_the_input_and_changes_nothing(ben, signed_in, task):
    give(task, ben, "READ", "VIEW_OWNER_RUNS")
    browser = signed_in(ben)

    text = text_of(browser.get(task.console_path))
    assert "Brno" in text
    assert "<textarea" not in text
    for path in DIALOGS:
        assert f'href="{task.console_path}{path}"' not in text
        assert browser.get(task.console_path + path).status_code == 403
    for path in POSTS:
        assert browser.post(task.console_path + path, {"name": "mine", "input": "{}"}).status_code == 403
    task.refresh_from_db()
    assert (task.name, task.input) == ("weekly", '{"city": "Brno"}')


def test_who_may_not_run_the_actor_does_not_start_the_task(ben, signed_in, task, actor):
    actor.is_public = False
    actor.save()
    give(task, ben)
    browser = signed_in(ben)

    text = text_of(browser.get(task.console_path))
    assert f'action="{task.console_path}/start"' not in text
    assert "finder" not in text
    assert "the permission to run its Actor" in text
    browser.post(f"{task.console_path}/start")
    assert "You may not run the Actor" in text_of(browser.get(task.console_path))
    assert not Run.objects.exists()


def test_a_task_is_not_made_of_an_actor_that_is_not_shared(cleo, signed_in, actor, make_resource):
    actor.is_public = False
    actor.save()
    make_resource(Kind.ACTOR, cleo, name="own")
    browser = signed_in(cleo)

    for address in (actor.pk, "dan~finder", "0" * 17, "a\x00b", "~"):
        assert "dan/finder" not in text_of(browser.get("/tasks/new", {"actor": address}))
        response = browser.post("/tasks/new", {"actor": address}, headers=HTMX)
        assert response.status_code == 422
        assert 'id="id_actor_error"' in text_of(response)
    assert not Task.objects.exists()


def test_a_task_is_not_made_of_an_actor_that_one_may_only_read(ben, signed_in, actor):
    """It takes RUN, as it does in the API."""
    actor.is_public = False
    actor.save()
    give(actor, ben, "READ")
    response = signed_in(ben).post("/tasks/new", {"actor": actor.pk}, headers=HTMX)
    assert response.status_code == 422
    assert "you may not run it" in text_of(response)
    assert not Task.objects.exists()
    Grant.objects.update(permissions=(Permission.READ | Permission.RUN).value)
    assert "HX-Redirect" in signed_in(ben).post("/tasks/new", {"actor": actor.pk}, headers=HTMX).headers


def test_only_what_one_may_run_is_offered(ben, dan, signed_in, make_resource):
    """The choice agrees with the decision: what it offers, it does not refuse."""
    actors = {name: make_resource(Kind.ACTOR, dan, name=name) for name in ("read", "run", "build", "public")}
    make_resource(Kind.ACTOR, ben, name="own")
    for name, permission in (("read", Permission.WRITE), ("run", Permission.RUN), ("build", Permission.BUILD)):
        give(actors[name], ben, permission | Permission.READ)
    give(actors["public"], ben)
    actors["public"].is_public = True
    actors["public"].save()

    text = text_of(signed_in(ben).get("/tasks/new"))

    offered = re.findall(r"<option[^>]*>(\w+/\w+)</option>", text)
    assert sorted(offered) == ["ben/own", "dan/public", "dan/run"]


def test_who_may_run_no_actor_is_told_where_they_are(ben, dan, signed_in, make_resource):
    give(make_resource(Kind.ACTOR, dan, name="read"), ben)
    assert "you have no Actor yet that you may run" in text_of(signed_in(ben).get("/tasks/new"))


def test_starting_is_not_done_by_looking(ada, signed_in, task):
    for path in ("/start", "/input"):
        assert signed_in(ada).get(task.console_path + path).status_code == 405


# Bad input


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("input", "{"),
        ("input", "[]"),
        ("input", "a\x00b"),
        ("input", "[" * 200_000),
        ("timeout_secs", "-1"),
        ("memory_mbytes", "1000"),
        ("build", "x" * 41),
    ],
)
def test_what_cannot_be_saved_is_said_beside_the_field(ada, signed_in, task, field, value):
    given = {"input": "{}", "timeout_secs": "", "memory_mbytes": "", "build": ""} | {field: value}

    response = signed_in(ada).post(f"{task.console_path}/input", given)

    assert response.status_code == 422
    assert f'id="id_{field}_error"' in text_of(response)
    task.refresh_from_db()
    assert task.input == '{"city": "Brno"}'


@pytest.mark.parametrize("name", ["", "a b", "x" * 64, "a\x00b", "<b>", "daily"])
def test_what_cannot_be_a_name_is_said_beside_the_field(ada, signed_in, task, actor, make_resource, name):
    make_resource(Kind.TASK, ada, name="daily", actor=actor)

    response = signed_in(ada).post(f"{task.console_path}/rename", {"name": name}, headers=HTMX)

    assert response.status_code == 422
    assert 'id="id_name_error"' in text_of(response)
    task.refresh_from_db()
    assert task.name == "weekly"


# What works


def test_the_list_shows_mine_and_shared(ada, ben, cleo, signed_in, task, actor, make_resource):
    of_ben = make_resource(Kind.TASK, ben, name="of-ben", actor=actor)
    make_resource(Kind.TASK, cleo, name="of-cleo", actor=actor)
    give(of_ben, ada)
    browser = signed_in(ada)

    def names(query=""):
        return {row.task.name for row in browser.get(f"/tasks{query}").context["rows"]}

    assert names() == {"weekly", "of-ben"}
    assert names("?ownership=mine") == {"weekly"}
    assert names("?ownership=shared") == {"of-ben"}
    assert names("?q=BEN") == {"of-ben"}
    text = text_of(browser.get("/tasks"))
    assert "dan/finder" in text
    assert "shared by ben" in text
    assert f'href="{of_ben.console_path}/share"' in text
    assert f'href="{of_ben.console_path}/delete"' not in text


def test_an_actor_that_is_not_shared_is_not_named_in_the_list(ben, signed_in, task, actor):
    actor.is_public = False
    actor.save()
    give(task, ben)

    assert signed_in(ben).get("/tasks").context["rows"][0].actor == "an Actor"


def test_the_queries_of_the_list_do_not_grow(ada, ben, signed_in, actor, make_resource, django_assert_num_queries):
    browser = signed_in(ada)
    browser.get("/")  # the first request of a session is recorded

    def add(rows):
        for _ in range(rows):
            make_resource(Kind.TASK, ada, actor=make_resource(Kind.ACTOR, ada))
            give(make_resource(Kind.TASK, ben, actor=make_resource(Kind.ACTOR, ben)), ada)

    add(2)
    with django_assert_num_queries(11):
        assert len(browser.get("/tasks").context["rows"]) == 4
    add(8)
    with django_assert_num_queries(11):
        assert len(browser.get("/tasks").context["rows"]) == 20


def test_a_task_is_made_of_a_public_actor(ben, signed_in, actor):
    browser = signed_in(ben)
    assert "dan/finder" in text_of(browser.get("/tasks/new", {"actor": actor.pk}))

    form = {"actor": actor.pk, "name": "mine", "input": '{"a": 1}', "timeout_secs": "30"}
    response = browser.post("/tasks/new", form, headers=HTMX)

    task = Task.objects.get()
    assert response.headers["HX-Redirect"] == task.console_path
    assert (task.owner_id, task.name, task.actor_id, task.input) == (ben.pk, "mine", actor.pk, '{"a": 1}')
    assert load_options(task.options).timeout_secs == 30


def test_without_any_actor_a_new_task_says_what_to_do(cleo, signed_in):
    assert "you have no Actor yet that you may run" in text_of(signed_in(cleo).get("/tasks/new"))


def test_input_and_options_are_saved_and_what_the_form_does_not_show_stays(ada, signed_in, task):
    form = {"input": '{"city":\r\n "Ostrava"}', "timeout_secs": "", "memory_mbytes": "512", "build": "beta"}

    assert signed_in(ada).post(f"{task.console_path}/input", form).url == task.console_path

    task.refresh_from_db()
    assert json.loads(task.input) == {"city": "Ostrava"}
    assert load_options(task.options) == SavedOptions(build="beta", memory_mbytes=512, max_items=7)


def test_starting_makes_a_run_of_ones_own_with_the_tasks_input(ben, signed_in, task):
    give(task, ben)

    response = signed_in(ben).post(f"{task.console_path}/start")

    run = Run.objects.get()
    assert response.url == run.console_path
    assert (run.owner_id, run.task_id, run.origin, run.timeout_secs) == (ben.pk, task.pk, Origin.WEB, 90)
    store = run.default_storages.get(kind=Kind.KEY_VALUE_STORE)
    with open_record(find(store.pk, "INPUT")) as stream:
        assert stream.read() == b'{"city": "Brno"}'


def test_what_cannot_be_started_says_why(ada, signed_in, task):
    TaggedBuild.objects.all().delete()
    browser = signed_in(ada)

    browser.post(f"{task.console_path}/start")

    assert "Build the Actor first" in text_of(browser.get(task.console_path))
    assert not Run.objects.exists()


def test_an_input_that_the_actors_schema_refuses_starts_nothing_and_says_why(ada, signed_in, task):
    schema = '{"properties": {"url": {"type": "string"}}, "required": ["url"]}'
    BuildContent.objects.create(build=TaggedBuild.objects.get().build, input_schema=schema)
    browser = signed_in(ada)

    browser.post(f"{task.console_path}/start")

    assert "The task was not started. Input is not valid: Field input.url is required." in text_of(
        browser.get(task.console_path)
    )
    assert not Run.objects.exists()


def test_its_runs_are_those_that_one_may_see(ada, ben, signed_in, task, actor, make_resource):
    mine = make_resource(Kind.RUN, ada, task=task, actor=actor)
    of_ben = make_resource(Kind.RUN, ben, task=task, actor=actor)
    make_resource(Kind.RUN, ada, actor=actor)
    give(task, ben)

    assert [row.run.pk for row in signed_in(ada).get(f"{task.console_path}/runs").context["rows"]] == [mine.pk]
    assert [row.run.pk for row in signed_in(ben).get(f"{task.console_path}/runs").context["rows"]] == [of_ben.pk]


def test_renaming_and_deleting(ada, signed_in, task, make_resource):
    run = make_resource(Kind.RUN, ada, task=task)
    browser = signed_in(ada)

    browser.post(f"{task.console_path}/rename", {"name": "daily"})
    assert Task.objects.get().name == "daily"
    response = browser.post(f"{task.console_path}/delete", headers=HTMX)

    assert response.headers["HX-Redirect"] == "/tasks"
    assert not Task.objects.exists()
    assert Run.objects.filter(pk=run.pk).exists()


def test_what_was_saved_is_text_on_the_page(ada, ben, signed_in, task):
    Task.objects.update(input='{"a": "</textarea><script>alert(1)</script>"}', title="<b>x", description="<i>y")
    give(task, ben)

    for account in (ada, ben):
        text = text_of(signed_in(account).get(task.console_path))
        assert "<script>alert" not in text
        assert "<b>x" not in text
        assert "<i>y" not in text
