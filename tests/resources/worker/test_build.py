"""Builds: source files become a directory that is ready to run, or a log that says why not."""

import json
import sys

import pytest

from resources.actors.source_files import SourceFile
from resources.builds import ending, starting
from resources.jobs.status import JobStatus
from resources.logs.reading import read_text
from resources.models import Build, BuildContent, TaggedBuild
from resources.runs import starting as runs
from resources.sandbox import directories
from resources.secret_inputs.fields import MAX_SECRETS
from resources.worker import build_directory, execute_build, execute_run, project, source_files
from resources.worker.commands import find_start
from resources.worker.installations import Installation
from resources.worker.start_check import NoCommand
from tests.support.work_stage import actor_of, built, execute_and_abort, wheel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("looks_often")]
SCHEMA = {"title": "What", "type": "object", "schemaVersion": 1, "properties": {}}


@pytest.fixture
def installs(monkeypatch):
    """Let another program stand in for pip."""

    def install_by(code: str) -> None:
        monkeypatch.setattr(
            build_directory,
            "installations",
            lambda project: [Installation([sys.executable, "-c", code], directories.PACKAGES)],
        )

    return install_by


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "..", "a\x00b", ""])
def test_a_path_that_leads_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(source_files.BadSource):
        source_files.write([SourceFile(name, "TEXT", "x")], tmp_path / "app")
    assert [path.name for path in tmp_path.rglob("*")] == ["app"]


def test_a_file_cannot_be_a_directory_too(tmp_path):
    with pytest.raises(source_files.BadSource, match="cannot be written"):
        source_files.write([SourceFile("a", "TEXT", ""), SourceFile("a/b", "TEXT", "")], tmp_path / "app")


def test_files_are_written_as_they_are(tmp_path):
    files = [SourceFile("src/é.txt", "TEXT", "ü\r\n"), SourceFile("x.bin", "BASE64", "AP8=")]
    source_files.write(files, tmp_path / "app")
    assert (tmp_path / "app/src/é.txt").read_bytes() == "ü\r\n".encode()
    assert (tmp_path / "app/x.bin").read_bytes() == b"\x00\xff"


def test_a_build_keeps_what_the_actor_says_of_itself(ada):
    files = {
        "main.py": "",
        ".actor/actor.json": json.dumps(
            {"actorSpecification": 1, "name": "x", "input": "./schema.json", "readme": "../READ.md"}
        ),
        ".actor/schema.json": json.dumps(SCHEMA),
        "READ.md": "# Read",
        "CHANGELOG.md": "# Changed",
    }
    build = built(actor_of(ada, files))
    content = BuildContent.objects.get(build=build)
    assert build.status == JobStatus.SUCCEEDED
    assert json.loads(content.definition)["name"] == "x"
    assert json.loads(content.input_schema) == SCHEMA
    assert (content.readme, content.changelog) == ("# Read", "# Changed")
    assert TaggedBuild.objects.get(tag="latest").build_id == build.pk


def test_a_link_that_an_installation_leaves_is_not_followed(tmp_path):
    (tmp_path / "secret.json").write_text('{"secret": 1}')
    app = tmp_path / "app"
    (app / ".actor").mkdir(parents=True)
    for name in (".actor/actor.json", "README.md", "package.json"):
        (app / name).symlink_to(tmp_path / "secret.json")
    assert source_files.read_definition(app) == {}
    assert source_files.read_text(app, {}, "readme") == ""
    assert source_files.read_input_schema(app, {}) == ""
    with pytest.raises(NoCommand):
        find_start(project.read(app), app.parent)
    with pytest.raises(source_files.BadSource, match="not there"):
        source_files.read_input_schema(app, {"input": "../../secret.json"})


def test_a_link_that_leads_in_a_circle_is_no_file(tmp_path):
    (tmp_path / "package.json").symlink_to("package.json")
    assert not project.read(tmp_path).is_for_node


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"readme.txt": ""}, "nothing to start"),
        ({"main.py": "", ".actor/actor.json": "{"}, ".actor/actor.json is not valid JSON"),
        ({"main.py": "", ".actor/actor.json": "[]"}, "must be a JSON object"),
        ({"main.py": "", ".actor/actor.json": '{"input": "./gone.json"}'}, 'names the file "./gone.json"'),
    ],
)
def test_a_source_that_is_wrong_fails_and_says_why(ada, files, said):
    actor = actor_of(ada, files)
    build = built(actor)
    assert build.status == JobStatus.FAILED
    assert said in build.status_message
    assert said in read_text(build.pk)
    assert not TaggedBuild.objects.exists()


def test_a_build_is_built_once(ada):
    build = built(actor_of(ada, {"main.py": ""}))
    before = read_text(build.pk)
    execute_build.execute(build.pk)
    assert read_text(build.pk) == before


def test_what_requirements_name_is_installed_by_pip_for_this_build(ada, monkeypatch):
    """A package beside the Actor, so that nothing needs to be fetched from anywhere."""
    files = {
        "main.py": "import greeting\nprint(greeting.HELLO)",
        "requirements.txt": "--no-index\n./greeting-1.0-py3-none-any.whl\n",
    }
    actor = actor_of(ada, files)
    version = actor.versions.get()
    listed = json.loads(version.source_files)
    listed.append({"name": "greeting-1.0-py3-none-any.whl", "format": "BASE64", "content": wheel()})
    actor.versions.update(source_files=json.dumps(listed))
    build = built(actor)
    assert build.status == JobStatus.SUCCEEDED, read_text(build.pk)
    assert "Installing what requirements.txt names." in read_text(build.pk)
    assert (directories.build_directory(build.pk) / "packages/greeting.py").is_file()
    run = runs.start(actor, by=ada.principal)
    execute_run.execute(run.pk)
    assert " hello from a wheel\n" in read_text(run.pk)


def test_an_installation_that_fails_fails_the_build_with_its_log(ada, installs):
    installs("import sys; sys.exit('no such package')")
    build = built(actor_of(ada, {"main.py": "", "requirements.txt": "x"}))
    assert (build.status, build.exit_code) == (JobStatus.FAILED, 1)
    assert " no such package\n" in read_text(build.pk)
    assert not directories.build_directory(build.pk).exists()
    assert [each for each in directories.kept("builds") if each.name.startswith(build.pk)] == []


def test_an_installation_that_takes_too_long_is_stopped(ada, installs):
    installs("while True: pass")
    build = starting.start(actor_of(ada, {"main.py": ""}), "0.1", by=ada.principal)
    Build.objects.filter(pk=build.pk).update(timeout_secs=1)
    execute_build.execute(build.pk)
    build.refresh_from_db()
    assert build.status == JobStatus.TIMED_OUT


def test_an_installation_that_eats_memory_is_stopped(ada, installs):
    installs("eaten = []\nwhile True: eaten.append(b'x' * 5_000_000)")
    build = starting.start(actor_of(ada, {"main.py": ""}), "0.1", by=ada.principal)
    Build.objects.filter(pk=build.pk).update(memory_mbytes=64)
    execute_build.execute(build.pk)
    build.refresh_from_db()
    assert build.status == JobStatus.FAILED
    assert "too much memory" in build.status_message


def test_a_build_is_aborted(ada, installs, monkeypatch):
    installs("print('ready', flush=True)\nwhile True: pass")
    build = starting.start(actor_of(ada, {"main.py": ""}), "0.1", by=ada.principal)
    execute_and_abort(build, ada, monkeypatch)
    assert build.status == JobStatus.ABORTED


def test_node_is_found_out_by_its_package(tmp_path):
    (tmp_path / "package.json").write_text('{"main": "../../outside.js"}')
    with pytest.raises(NoCommand):
        find_start(project.read(tmp_path), tmp_path)


def definition(text: str) -> dict[str, str]:
    return {"main.py": "", ".actor/actor.json": text}


@pytest.mark.parametrize("text", ['{"name": "\\ud800"}', '{"a": NaN}', '{"a": 1e999}', "[" * 100_000])
def test_a_definition_that_nobody_could_read_again_is_refused(ada, text):
    build = built(actor_of(ada, definition(text)))
    assert build.status == JobStatus.FAILED
    assert ".actor/actor.json is not valid JSON" in build.status_message


def test_a_definition_holds_the_schemas_that_it_names(ada, api):
    """The templates name them, and the Python client reads no build whose input schema is a name."""
    said = {"actorSpecification": 1, "input": "./input.json", "output": "./output.json"}
    said["storages"] = {"dataset": "./dataset.json", "keyValueStore": {"inline": 1}}
    files = definition(json.dumps(said))
    files |= {f".actor/{name}.json": json.dumps({"title": name}) for name in ("input", "output", "dataset")}
    build = built(actor_of(ada, files))
    answer = api(ada).get(f"/v2/actor-builds/{build.pk}").json()["data"]["actorDefinition"]
    assert answer == {
        "actorSpecification": 1,
        "input": {"title": "input"},
        "output": {"title": "output"},
        "storages": {"dataset": {"title": "dataset"}, "keyValueStore": {"inline": 1}},
    }


def test_what_a_definition_says_in_another_type_is_left_out(ada, api):
    said = {"actorSpecification": 2, "name": 1, "title": "T", "version": "one", "environmentVariables": {"A": 1}}
    said |= {"storages": {"datasets": {"a": 1, "b": {}}, "x": 1}, "minMemoryMbytes": 5, "ours": 7}
    said |= {"defaultMemoryMbytes": 512, "usesStandbyMode": "no", "meta": {"templateId": 1}, "output": 3}
    build = built(actor_of(ada, definition(json.dumps(said))))
    answer = api(ada).get(f"/v2/actor-builds/{build.pk}").json()["data"]["actorDefinition"]
    assert answer == {"title": "T", "defaultMemoryMbytes": 512, "storages": {"datasets": {"b": {}}}, "ours": 7}


def test_a_schema_that_a_definition_names_must_be_there(ada):
    build = built(actor_of(ada, definition('{"storages": {"dataset": "./gone.json"}}')))
    assert (build.status, 'names the file "./gone.json"' in build.status_message) == ("FAILED", True)


@pytest.mark.parametrize(
    ("storages", "problem"),
    [
        ({"dataset": {"fields": {"type": 5}}}, 'The schema of the dataset "default" cannot be used. The fields of'),
        ({"dataset": {"fields": {"$ref": "file:///etc/passwd"}}}, "file:///etc/passwd is outside of the schema"),
        ({"datasets": {"default": {}, "shops": "./shops.json"}}, 'The schema of the dataset "shops" cannot be used.'),
        ({"dataset": {"views": {"a": {"transformation": {"fields": "x"}}}}}, "not written as views are"),
        ({"dataset": {"title": "x" * 200_000}}, "A schema can have"),
        ({"keyValueStore": {"collections": {"a": {}}}}, 'The schema of the key-value store "default" cannot be used.'),
        ({"datasets": {"": {}}}, "alias"),
        ({"datasets": {"x" * 201: {}}}, "alias"),
        ({"datasets": {"a\x00b": {}}}, "alias"),
        ({"datasets": {str(number): {} for number in range(101)}}, "more than 100 storages"),
        ({"keyValueStores": {"a": "./gone.json"}}, 'names the file "./gone.json"'),
    ],
)
def test_a_declared_storage_that_cannot_be_used_fails_the_build(ada, storages, problem):
    files = definition(json.dumps({"storages": storages}))
    files[".actor/shops.json"] = json.dumps({"fields": {"required": "name"}})
    build = built(actor_of(ada, files))
    assert build.status == JobStatus.FAILED
    assert problem in build.status_message
    assert problem in read_text(build.pk)


def test_a_definition_is_kept_as_it_is_meant(ada):
    said = {"title": "a\x00b", "description": "a backslash and u0000: \\u0000"}
    build = built(actor_of(ada, definition(json.dumps({"input": said}))))
    assert json.loads(BuildContent.objects.get(build=build).input_schema) == said


def test_of_a_large_file_only_the_beginning_is_read(tmp_path, monkeypatch):
    tmp_path.joinpath("README.md").write_bytes(b"x" * 100)
    with tmp_path.joinpath("README.md").open("r+b") as file:
        file.truncate(1 << 40)  # a hole, as an installation can leave it, and more than there is memory
    assert source_files.read_text(tmp_path, {}, "readme").startswith("x" * 100)
    tmp_path.joinpath("package.json").write_bytes(b"{")
    with tmp_path.joinpath("package.json").open("r+b") as file:
        file.truncate(1 << 40)
    assert project.read(tmp_path).package == {}


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ({"type": "string", "isSecret": "yes"}, "isSecret of the input field key must be true or false."),
        ({"type": "integer", "isSecret": True}, "its type must be one of string, array, object"),
        ({"isSecret": True}, "its type must be one of string, array, object"),
        ({"type": "string", "editor": "select", "isSecret": True}, "must be one of textfield, textarea, hidden"),
        ({"type": "array", "editor": "stringList", "isSecret": True}, "must be one of json, hidden"),
        ({"type": "object", "editor": "proxy", "isSecret": True}, "must be one of json, hidden"),
        ({"type": "string", "isSecret": True, "default": "hunter2"}, "must not have a default"),
        ({"type": "object", "properties": {"inner": {"type": "string", "isSecret": True}}}, "not inner"),
        ({"type": "array", "items": {"type": "object", "properties": {"x": {"isSecret": True}}}}, "not x"),
    ],
)
def test_a_field_that_cannot_be_secret_fails_the_build(ada, field, problem):
    schema = {**SCHEMA, "properties": {"key": field}}
    build = built(actor_of(ada, {"main.py": "", ".actor/input_schema.json": json.dumps(schema)}))
    assert build.status == JobStatus.FAILED
    assert problem in build.status_message
    assert "hunter2" not in read_text(build.pk)


@pytest.mark.parametrize("count", [MAX_SECRETS, MAX_SECRETS + 1])
def test_so_many_fields_of_an_actor_can_be_secret(ada, count):
    fields = {
        f"key{at}": {"title": "Key", "type": "string", "editor": "hidden", "isSecret": True} for at in range(count)
    }
    schema = {**SCHEMA, "properties": fields}
    build = built(actor_of(ada, {"main.py": "", ".actor/input_schema.json": json.dumps(schema)}))
    if count > MAX_SECRETS:
        assert build.status == JobStatus.FAILED
        assert "At most 100 input fields can be secret, not 101." in build.status_message
    else:
        assert build.status == JobStatus.SUCCEEDED


@pytest.mark.parametrize("editor", ["textfield", "textarea", "hidden"])
def test_a_field_may_be_secret_with_these_editors_and_saved_inputs_are_looked_at_then(ada, editor, monkeypatch):
    queued: list[str] = []
    monkeypatch.setattr(ending, "queue_input_encryption", queued.append)
    field = {"type": "string", "editor": editor, "isSecret": True}
    schema = {**SCHEMA, "properties": {"key": field, "json": {"type": "array", "editor": "json", "isSecret": True}}}
    build = built(actor_of(ada, {"main.py": "", ".actor/input_schema.json": json.dumps(schema)}))
    assert build.status == JobStatus.SUCCEEDED
    assert queued == [build.actor_id]
