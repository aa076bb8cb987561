"""The pages of Actors: who is refused what, bad input, then what they show and change."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import AuditEvent
from resources.actors import editing, environment, files, versions
from resources.actors.fields import ActorChange
from resources.actors.source_files import SourceFile
from resources.actors.versions import VersionChange
from resources.builds import ending, starting
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import Actor, Build, Run

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
SECRET = "hunter2-of-dan"
SCHEMA = {
    "required": ["url"],
    "properties": {
        "url": {"title": "Where", "type": "string", "prefill": "https://example.com"},
        "most": {"type": "integer", "description": "At most <so many>."},
    },
}


@pytest.fixture
def actor(dan) -> Actor:
    by = dan.principal
    actor = editing.create(dan.pk, "finder", ActorChange(title="Finder"), by=by)
    source = [SourceFile("main.py", content="print(1)\n"), SourceFile(".actor/actor.json", content="{}\n")]
    version = versions.add(actor, "0.1", VersionChange(source_files=source, build_tag="latest"), by=by)
    environment.set_variable(version, "PASSWORD", SECRET, by=by, is_secret=True)
    environment.set_variable(version, "PLACE", "Vienna", by=by)
    return actor


@pytest.fixture
def public(actor, dan) -> Actor:
    editing.update(actor, ActorChange(is_public=True), by=dan.principal)
    return actor


@pytest.fixture
def built(actor, dan) -> Build:
    build = starting.start(actor, "0.1", by=dan.principal)
    build.content.input_schema = json.dumps(SCHEMA)
    build.content.readme = "# Finds <things>"
    build.content.save()
    ending.finish(build.pk, JobStatus.SUCCEEDED)
    return build


def source_of(actor: Actor) -> dict[str, str]:
    return {file.name: file.content for file in versions.get_source_files(actor.versions.get(number="0.1"))}


def main_of(page: str) -> str:
    """Return what is shown of a page besides the navigation."""
    return page[page.index('<main id="main"') :]


TABS = ("", "/source", "/builds", "/runs", "/issues", "/settings")
DIALOGS = {
    "/start": "RUN",
    "/build": "BUILD",
    "/publish": "MANAGE_ACCESS_RIGHTS",
    "/settings": "WRITE",
    "/delete": "WRITE",
    "/versions/new": "WRITE",
    "/versions/0.1": "WRITE",
    "/versions/0.1/delete": "WRITE",
    "/versions/0.1/file/new": "WRITE",
    "/versions/0.1/file/rename?file=main.py": "WRITE",
    "/versions/0.1/file/delete?file=main.py": "WRITE",
    "/versions/0.1/new-variable": "WRITE",
    "/versions/0.1/variables/PLACE": "WRITE",
    "/versions/0.1/variables/PLACE/delete": "WRITE",
}


# Refusals


# What publishing gives away besides.
NEEDED_BESIDES = {"/publish": ("WRITE", "RUN")}


@pytest.mark.parametrize("path", [*TABS, *DIALOGS])
def test_nobody_is_led_through_sign_in_even_to_what_is_public(public, client, path):
    response = client.get(f"{public.console_path}{path}")
    assert response.status_code == 302
    assert response["Location"].startswith("/sign-in?next=/actors/")


@pytest.mark.parametrize("path", [*TABS, *DIALOGS])
def test_a_stranger_finds_nothing(actor, signed_in, cleo, path):
    here = signed_in(cleo)
    for address in (actor.pk, "dan~finder"):
        response = here.get(f"/actors/{address}{path}")
        assert response.status_code == 404
        assert "Finder" not in response.content.decode()
    assert here.post(f"{actor.console_path}{path}").status_code == 404


@pytest.mark.parametrize(("path", "permission"), DIALOGS.items())
def test_each_change_needs_its_own_permission(actor, built, signed_in, ben, give, path, permission):
    grant = give(actor, ben, *[each for each in actor.info.permissions if each != permission])
    here = signed_in(ben)
    assert here.get(f"{actor.console_path}{path}").status_code == 403
    assert here.post(f"{actor.console_path}{path}", {"public": "yes", "confirmation": "finder"}).status_code == 403
    grant.delete()
    give(actor, ben, permission, *NEEDED_BESIDES.get(path, ()))
    assert here.get(f"{actor.console_path}{path}").status_code == 200
    actor.refresh_from_db()
    assert not actor.is_public


def test_a_writer_does_not_publish(actor, signed_in, ben, give):
    give(actor, ben, "WRITE")
    here = signed_in(ben)
    body = {
        "name": "finder",
        "default_build": "latest",
        "default_timeout_secs": 0,
        "default_memory_mbytes": 256,
        "is_public": "on",
        "public": "yes",
    }
    assert here.post(f"{actor.console_path}/settings", body).status_code == 302
    assert "/publish" not in here.get(f"{actor.console_path}/settings").content.decode()
    actor.refresh_from_db()
    assert (actor.is_public, actor.default_memory_mbytes) == (False, 256)


@pytest.mark.parametrize("permission", ["READ", "RUN", "BUILD", "VIEW_OWNER_RUNS", "MANAGE_ACCESS_RIGHTS", "WRITE"])
def test_a_secret_is_shown_to_nobody_and_variables_to_writers_only(actor, built, signed_in, ben, dan, give, permission):
    give(actor, ben, permission)
    for account, may in ((ben, permission == "WRITE"), (dan, True)):
        here = signed_in(account)
        for path in (*TABS, *DIALOGS):
            assert SECRET not in here.get(f"{actor.console_path}{path}").content.decode()
        assert ("PASSWORD" in here.get(f"{actor.console_path}/source").content.decode()) == may
        assert ("Vienna" in here.get(f"{actor.console_path}/source").content.decode()) == may
    assert SECRET not in signed_in(dan).get(f"{actor.console_path}/versions/0.1/variables/PASSWORD").content.decode()


def test_of_a_public_actor_everybody_sees_the_source_and_nobody_the_variables(public, signed_in, cleo):
    page = signed_in(cleo).get(f"{public.console_path}/source").content.decode()
    assert "print(1)" in page
    assert "because the Actor is public" in page
    for hidden in ("PLACE", "Vienna", "PASSWORD", "Save</button>", "Add file"):
        assert hidden not in page


def test_the_runs_of_others_are_not_listed(public, built, signed_in, cleo, ben, dan, make_resource):
    make_resource(Kind.RUN, ben, actor_id=public.pk, general_access="ANYONE_WITH_ID_CAN_READ")
    mine = make_resource(Kind.RUN, cleo, actor_id=public.pk)
    assert [row.run.pk for row in signed_in(cleo).get(f"{public.console_path}/runs").context["rows"]] == [mine.pk]
    assert "No runs that you can see" in signed_in(dan).get(f"{public.console_path}/runs").content.decode()


def test_what_may_not_be_opened_any_more_is_not_recently_used(public, ben, dan, give, signed_in, make_resource):
    make_resource(Kind.RUN, ben, actor_id=public.pk)
    here = signed_in(ben)
    assert here.get("/actors").context["recently_used"] == [public]
    editing.update(public, ActorChange(is_public=False), by=dan.principal)
    assert here.get("/actors").context["recently_used"] == []
    give(public, ben)
    assert here.get("/actors").context["recently_used"] == [public]


def test_a_name_that_cannot_be_and_one_that_is_taken(actor, signed_in, dan):
    here = signed_in(dan)
    for name, says in (
        ("", "This field is required"),
        ("Not A Name", "cannot be the name of an Actor"),
        ("finder", "There is another Actor called"),
        ("a\x00", "Null characters"),
    ):
        response = here.post("/actors/new", {"name": name, "starter": "plain", "title": "Kept"})
        assert response.status_code == 422
        assert says in response.content.decode()
        assert "Kept" in response.content.decode()
    assert here.post("/actors/new", {"name": "x", "starter": "gone"}).status_code == 422
    assert Actor.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Not A Name"),
        ("name", ""),
        ("title", "x" * 201),
        ("description", "a\x00"),
        ("default_build", "not a tag"),
        ("default_timeout_secs", "-1"),
        ("default_timeout_secs", "9" * 20),
        ("default_memory_mbytes", "1000"),
        ("default_memory_mbytes", "64"),
    ],
)
def test_settings_that_cannot_be(actor, signed_in, dan, field, value):
    body = {"name": "other", "default_build": "latest", "default_timeout_secs": 60, "default_memory_mbytes": 512}
    response = signed_in(dan).post(f"{actor.console_path}/settings", body | {field: value})
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.content.decode()
    actor.refresh_from_db()
    assert (actor.name, actor.default_memory_mbytes) == ("finder", 1024)


def test_deleting_needs_the_name(actor, signed_in, dan):
    here = signed_in(dan)
    for typed in ("", "Finder", "finde"):
        assert here.post(f"{actor.console_path}/delete", {"confirmation": typed}).status_code == 422
    assert Actor.objects.exists()


@pytest.mark.parametrize("number", ["0.2", "9", "x", "%00", "0.1.1"])
def test_a_version_that_there_is_not(actor, signed_in, dan, number):
    here = signed_in(dan)
    for end in ("", "/delete", "/file/new", "/new-variable", "/variables/PLACE"):
        assert here.get(f"{actor.console_path}/versions/{number}{end}").status_code == 404
    assert here.get(f"{actor.console_path}/source?version={number}").status_code == 404
    assert here.get(f"{actor.console_path}/source?file=gone").status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("number", "1", "two numbers"),
        ("number", "0.1", "There is a version 0.1"),
        ("build_tag", "no tag!", "letters, digits"),
        ("source_url", "not a url", "URL"),
        ("source_type", "NONE", "valid choice"),
    ],
)
def test_a_version_that_cannot_be(actor, signed_in, dan, field, value, says):
    body = {"number": "0.2", "build_tag": "beta", "source_type": "GIT_REPO", "source_url": "https://example.com/a.git"}
    response = signed_in(dan).post(f"{actor.console_path}/versions/new", body | {field: value})
    assert response.status_code == 422
    assert says in response.content.decode()
    assert actor.versions.count() == 1


def test_the_last_version_stays(actor, signed_in, dan):
    here = signed_in(dan)
    assert "is the last one" in here.get(f"{actor.console_path}/versions/0.1/delete").content.decode()
    here.post(f"{actor.console_path}/versions/0.1/delete")
    assert actor.versions.count() == 1


@pytest.mark.parametrize("name", ["", "../x", "/etc/passwd", "a/../../b", "a\\b", "main.py", "a\x00", "x" * 501])
def test_a_path_that_no_file_can_have(actor, signed_in, dan, name):
    here = signed_in(dan)
    before = source_of(actor)
    for path in ("new", "rename?file=.actor/actor.json"):
        response = here.post(f"{actor.console_path}/versions/0.1/file/{path}", {"name": name})
        assert response.status_code == 422
    assert source_of(actor) == before


def test_a_file_that_somebody_else_has_changed_is_not_overwritten(actor, signed_in, dan):
    seen = files.compute_digest("print(1)\n")
    url = f"{actor.console_path}/versions/0.1/file?file=main.py"
    here = signed_in(dan)
    assert here.post(url, {"content": "print(2)\n", "seen": seen}).status_code == 302
    response = here.post(url, {"content": "print('mine')\n", "seen": seen})
    assert response.status_code == 422
    page = response.content.decode()
    assert "Another user has changed" in page
    assert "print(&#x27;mine&#x27;)" in page
    assert source_of(actor)["main.py"] == "print(2)\n"
    assert here.post(url.replace("main.py", "gone.py"), {"content": "x", "seen": seen}).status_code == 302
    assert here.post(url, {"content": "a\x00", "seen": seen}).status_code == 422


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"name": "1A", "value": "x"}, "not begin with a digit"),
        ({"name": "PLACE", "value": "x"}, "already"),
        ({"name": "A", "value": "x\x00"}, "Null characters"),
        ({"name": "A", "value": "x" * 40_000}, "at most"),
    ],
)
def test_a_variable_that_cannot_be(actor, signed_in, dan, body, says):
    response = signed_in(dan).post(f"{actor.console_path}/versions/0.1/new-variable", body)
    assert response.status_code == 422
    assert says in response.content.decode()
    assert environment.of_version(actor.versions.get()).values == {"PASSWORD": SECRET, "PLACE": "Vienna"}


def test_a_secret_is_not_made_readable_without_another_value(actor, signed_in, dan):
    url = f"{actor.console_path}/versions/0.1/variables/PASSWORD"
    assert signed_in(dan).post(url, {"value": ""}).status_code == 422
    assert actor.versions.get().environment.get(name="PASSWORD").is_secret


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', "nothing", "[" * 100_000, "{} {}"])
def test_an_input_that_is_no_json_object(actor, built, signed_in, dan, text):
    response = signed_in(dan).post(f"{actor.console_path}/start", {"input": text})
    assert response.status_code == 422
    assert "This is" in response.content.decode()
    assert not Run.objects.exists()


def test_an_input_that_the_schema_refuses(actor, built, signed_in, dan):
    response = signed_in(dan).post(f"{actor.console_path}/start", {"input": '{"most": "many"}'})
    assert response.status_code == 422
    page = response.content.decode()
    assert "Field input.url is required." in page
    assert "Field input.most must be" in page
    assert not Run.objects.exists()


def test_no_input_is_an_empty_one(actor, built, signed_in, dan):
    response = signed_in(dan).post(f"{actor.console_path}/start", {"input": ""})
    assert response.status_code == 422
    assert "Field input.url is required." in response.content.decode()
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"), [("build", "gone"), ("memory_mbytes", "1000"), ("timeout_secs", "-1"), ("memory_mbytes", "x")]
)
def test_options_that_no_run_can_have(actor, built, signed_in, dan, field, value):
    response = signed_in(dan).post(f"{actor.console_path}/start", {"input": '{"url": "x"}', field: value})
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.content.decode()
    assert not Run.objects.exists()


def test_what_has_not_been_built_cannot_be_started(actor, signed_in, dan):
    here = signed_in(dan)
    assert "has succeeded yet" in here.get(f"{actor.console_path}/start").content.decode()
    refused = here.post(f"{actor.console_path}/start", {"input": "{}"})
    assert refused.status_code == 422
    assert "autofocus" in str(refused.context["form"]["build"]), "the focus goes to the field that says what is wrong"
    assert "autofocus" not in str(refused.context["form"]["input"])
    assert not Run.objects.exists()


def test_the_dialog_of_a_build_has_the_focus_in_its_first_field(actor, signed_in, dan):
    form = signed_in(dan).get(f"{actor.console_path}/build").context["form"]
    assert [field.name for field in form if "autofocus" in str(field)] == ["version"]


def test_a_build_of_a_version_that_there_is_not(actor, signed_in, dan):
    here = signed_in(dan)
    assert here.post(f"{actor.console_path}/build", {"version": "0.9"}).status_code == 422
    assert here.post(f"{actor.console_path}/build", {"version": "0.1", "tag": "no tag!"}).status_code == 422
    assert not Build.objects.exists()


# What they show


def test_a_new_actor_is_there_with_a_version_to_build(signed_in, ben):
    here = signed_in(ben)
    for starter, file in (("python", "src/main.py"), ("javascript", "src/main.js"), ("plain", "main.py")):
        made = here.post("/actors/new", {"name": f"my-{starter}", "starter": starter})
        page = here.get(made["Location"]).content.decode()
        assert file in page
    here.post("/actors/new", {"name": "empty", "starter": "empty"})
    actor = Actor.objects.get(name="empty")
    assert "Begin with a file" in here.get(f"{actor.console_path}/source").content.decode()
    titles = [row.title for row in here.get("/actors").context["rows"]]
    assert titles == ["empty", "my-plain", "my-javascript", "my-python"]


def test_an_actor_is_found_by_id_and_by_name_and_says_what_it_is(public, built, signed_in, cleo):
    here = signed_in(cleo)
    for address in (public.pk, "dan~finder"):
        page = here.get(f"/actors/{address}").content.decode()
        assert "<h1>Finder</h1>" in page
        assert "dan/finder" in page
        assert "# Finds &lt;things&gt;" in page
        assert "0.1.1" in page
        assert "Settings" not in main_of(page)


@pytest.mark.parametrize("path", [*TABS, *DIALOGS])
def test_without_a_script_everything_is_a_page(actor, built, signed_in, dan, path):
    here = signed_in(dan)
    page = here.get(f"{actor.console_path}{path}").content.decode()
    assert "<html" in page
    assert page.count("<h1") == 1
    if path in DIALOGS and path != "/settings":
        fragment = here.get(f"{actor.console_path}{path}", headers=HTMX).content.decode()
        assert "<html" not in fragment
        assert 'id="dialog-title"' in fragment


@pytest.mark.parametrize("path", TABS)
def test_each_tab_says_that_it_is_shown(actor, built, signed_in, dan, path):
    page = main_of(signed_in(dan).get(f"{actor.console_path}{path}").content.decode())
    assert f'href="{actor.console_path}{path}" aria-current="page"' in page


def test_the_lists_cost_the_same_whatever_their_length(actor, signed_in, dan, make_resource, django_assert_num_queries):
    here = signed_in(dan)
    here.get("/actors")
    for count in (2, 20):
        for _ in range(count):
            make_resource(Kind.ACTOR, dan)
            starting.start(actor, "0.1", by=dan.principal)
            make_resource(Kind.RUN, dan, actor_id=actor.pk)
        with django_assert_num_queries(9):
            assert len(here.get("/actors").context["rows"]) > count
        with django_assert_num_queries(8):
            assert len(here.get(f"{actor.console_path}/builds").context["rows"]) >= count


# What they change


def test_publishing_says_what_becomes_readable_and_is_taken_back(actor, signed_in, dan, cleo):
    here, there = signed_in(dan), signed_in(cleo)
    said = here.get(f"{actor.console_path}/publish").content.decode()
    for what in ("with an account or without", "all its builds", "the source of all its versions", "run"):
        assert what in said
    here.post(f"{actor.console_path}/publish", {"public": "yes"})
    assert there.get(actor.console_path).status_code == 200
    here.post(f"{actor.console_path}/publish", {"public": "yes"})  # pressed twice: it is what was wanted
    assert there.get(actor.console_path).status_code == 200
    assert "From now on only you can see it" in here.get(f"{actor.console_path}/publish").content.decode()
    here.post(f"{actor.console_path}/publish", {"public": "no"})
    assert there.get(actor.console_path).status_code == 404
    actions = AuditEvent.objects.filter(action__startswith="actor.").values_list("action", flat=True)
    assert {"actor.published", "actor.unpublished"} <= set(actions)


def test_settings_are_saved(actor, signed_in, dan):
    body = {
        "name": "searcher",
        "title": "",
        "description": "One\r\ntwo",
        "default_build": "beta",
        "default_timeout_secs": 0,
        "default_memory_mbytes": 2048,
        "restart_on_error": "on",
    }
    response = signed_in(dan).post(f"{actor.console_path}/settings", body, follow=True)
    assert "The settings were saved." in response.content.decode()
    actor.refresh_from_db()
    assert (actor.name, actor.title, actor.description) == ("searcher", "", "One\ntwo")
    assert (actor.default_build, actor.default_timeout_secs, actor.restart_on_error) == ("beta", 0, True)


def test_an_actor_is_deleted_with_its_builds(actor, built, signed_in, dan):
    assert signed_in(dan).post(f"{actor.console_path}/delete", {"confirmation": "finder"})["Location"] == "/actors"
    assert not Actor.objects.exists()
    assert not Build.objects.exists()


def test_files_are_added_renamed_changed_and_deleted(actor, signed_in, ben, give):
    give(actor, ben, "WRITE")
    here = signed_in(ben)
    base = f"{actor.console_path}/versions/0.1/file"
    here.post(f"{base}/new", {"name": "src/a.py"})
    here.post(f"{base}/new", {"name": "logo.png", "upload": SimpleUploadedFile("x", b"\x89PNG\x00")})
    here.post(f"{base}/new", {"name": "b.txt", "upload": SimpleUploadedFile("x", "ü\r\n".encode())})
    here.post(f"{base}/rename?file=src/a.py", {"name": "src/c.py"})
    here.post(f"{base}?file=src/c.py", {"content": "a\r\n\r\nb\r\n", "seen": files.compute_digest("")})
    here.post(f"{base}?file=b.txt", {"content": "ö\r\n", "seen": files.compute_digest("ü\r\n")})
    here.post(f"{base}/delete?file=main.py")
    assert source_of(actor) == {
        ".actor/actor.json": "{}\n",
        "src/c.py": "a\n\nb\n",
        "logo.png": "iVBORwA=",
        "b.txt": "ö\r\n",
    }
    assert "no text" in here.get(f"{actor.console_path}/source?file=logo.png").content.decode()


def test_a_version_is_added_with_the_files_of_another(actor, signed_in, dan):
    here = signed_in(dan)
    page = here.get(f"{actor.console_path}/versions/new").content.decode()
    assert 'value="0.2"' in page
    body = {"number": "0.2", "build_tag": "beta", "source_type": "SOURCE_FILES", "copied": "0.1"}
    here.post(f"{actor.console_path}/versions/new", body)
    made = actor.versions.get(number="0.2")
    assert {file.name for file in versions.get_source_files(made)} == {"main.py", ".actor/actor.json"}
    assert not made.environment.exists()
    change = {"number": "0.3", "build_tag": "", "source_type": "SOURCE_FILES", "apply_env_vars_to_build": "on"}
    here.post(f"{actor.console_path}/versions/0.2", change)
    made.refresh_from_db()
    assert (made.number, made.build_tag, made.apply_env_vars_to_build) == ("0.3", "", True)
    assert here.get(f"{actor.console_path}/source").context["version"] == made
    here.post(f"{actor.console_path}/versions/0.3/delete")
    assert actor.versions.get().number == "0.1"


def test_a_secret_is_not_said_to_be_given_to_every_build(actor, signed_in, dan):
    text = signed_in(dan).get(f"{actor.console_path}/versions/0.1/new-variable").content.decode()
    assert "given to runs, and to builds only where the version says so" in text


def test_variables_are_added_changed_made_secret_and_deleted(actor, signed_in, dan):
    here = signed_in(dan)
    base = f"{actor.console_path}/versions/0.1"
    version = actor.versions.get()
    here.post(f"{base}/new-variable", {"name": "TOKEN", "value": " a\r\nb ", "is_secret": "on"})
    here.post(f"{base}/variables/PLACE", {"value": "Graz"})
    here.post(f"{base}/variables/PASSWORD", {"value": "", "is_secret": "on"})
    assert environment.of_version(version).values == {"PASSWORD": SECRET, "PLACE": "Graz", "TOKEN": " a\nb "}
    here.post(f"{base}/variables/PASSWORD", {"value": "other", "is_secret": "on"})
    here.post(f"{base}/variables/PLACE/delete")
    assert environment.of_version(version).values == {"PASSWORD": "other", "TOKEN": " a\nb "}
    assert "other" not in here.get(f"{actor.console_path}/source").content.decode()


def test_whoever_may_build_asks_for_a_build_and_is_led_to_it(actor, signed_in, ben, give):
    give(actor, ben, "BUILD")
    here = signed_in(ben)
    response = here.post(f"{actor.console_path}/build", {"version": "0.1", "tag": "beta", "afresh": "on"})
    build = Build.objects.get()
    assert response["Location"] == f"{actor.console_path}/builds/{build.pk}"
    assert (build.owner, build.number, build.tag, build.use_cache) == (actor.owner, "0.1.1", "beta", False)
    assert build.origin == "WEB"
    assert here.get(response["Location"]).status_code == 200


def test_a_run_belongs_to_whoever_starts_it(public, built, signed_in, cleo, dan):
    cleo.general_access = "RESTRICTED"
    cleo.save()
    here = signed_in(cleo)
    dialog = here.get(f"{public.console_path}/start").content.decode()
    assert "https://example.com" in dialog
    assert "At most &lt;so many&gt;." in dialog
    assert "The run belongs to you" in dialog
    body = {"input": '{"url": "ü"}', "build": "latest", "timeout_secs": "60", "memory_mbytes": "256"}
    response = here.post(f"{public.console_path}/start", body)
    run = Run.objects.get()
    assert response["Location"] == run.console_path
    assert (run.owner, run.origin, run.timeout_secs, run.memory_mbytes) == (cleo, "WEB", 60, 256)
    assert run.input_bytes == len('{"url": "ü"}'.encode())
    assert signed_in(dan).get(run.console_path).status_code == 404
    assert here.get("/actors").context["recently_used"] == [public]
