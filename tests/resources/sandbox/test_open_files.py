"""What a build has brought is opened by one way, which leads to no file of the server and keeps nobody waiting."""

import ast
import json
import os
import socket
import sys
import threading
from pathlib import Path

import pytest
from django.conf import settings

from resources.jobs.status import JobStatus
from resources.logs.reading import read_text
from resources.models import BuildContent
from resources.runs import starting
from resources.sandbox import directories, open_files
from resources.worker import build_directory, commands, execute_run, fetch_source, project, source_files
from resources.worker.installations import Installation, installations
from resources.worker.start_check import NoCommand
from tests.support.work_stage import actor_of, built

pytestmark = pytest.mark.usefixtures("looks_often")

SECRET = "of the server"
# Every path in a build by which the server looks for something.
LOOKED_FOR = (
    *source_files._DEFINITIONS,
    *source_files._INPUT_SCHEMAS,
    *source_files._READMES,
    *source_files._CHANGELOGS,
    *commands._NODE_FILES,
    *commands._PYTHON_FILES,
    *("package.json", "requirements.txt", "src/__main__.py", "package/__main__.py"),
)


@pytest.fixture
def app(tmp_path) -> Path:
    (tmp_path / "secret.json").write_text(json.dumps({"title": SECRET, "scripts": {"start": "x"}, "input": {}}))
    app = tmp_path / "app"
    app.mkdir()
    return app


def all_that_is_learned(app: Path) -> list:
    """Return the result of each thing that the server does with the files of a build, or its error and the words."""

    def asked(ask, *args):
        try:
            return ask(*args)
        except (source_files.BadSource, NoCommand) as error:
            return type(error), str(error)

    definition = asked(source_files.read_definition, app)
    known = definition if isinstance(definition, dict) else {}
    return [
        definition,
        *(asked(source_files.read_input_schema, app, said) for said in (known, {"input": "x.json"})),
        *(asked(source_files.read_text, app, known, what) for what in ("readme", "changelog")),
        asked(source_files.read_text, app, {"readme": "x.json"}, "readme"),
        *(asked(do, app) for do in (found_start, project.read, found_installations)),
    ]


def found_start(app: Path) -> commands.Start:
    return commands.find_start(project.read(app), app.parent)


def found_installations(app: Path) -> list[Installation]:
    return installations(project.read(app))


def put(path: Path, trap: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if trap == "fifo":
        os.mkfifo(path)
    elif trap == "socket":
        bound = socket.socket(socket.AF_UNIX)
        bound.bind(os.path.relpath(path))
        bound.close()
    elif trap == "directory":
        path.mkdir()
    else:
        path.symlink_to(trap)


@pytest.mark.parametrize("name", [*LOOKED_FOR, "x.json", ".actor/x.json"])
def test_whether_a_file_of_the_server_exists_is_not_to_be_learned(app, tmp_path, name, monkeypatch):
    """A link to a file of the server is like one to nothing, and so is all that is no file."""
    monkeypatch.chdir(app)
    put(app / name, str(tmp_path / "nothing"))
    nothing = all_that_is_learned(app)
    up = "../" * len(Path(name).parts)
    traps = [
        str(tmp_path / "secret.json"),
        f"{up}secret.json",
        "/etc/passwd",
        "/proc/self/environ",
        f"{up}app/../secret.json",
    ]
    for trap in (*traps, "/proc/self/cwd", str(tmp_path), Path(name).name, "/dev/zero", "fifo", "socket", "directory"):
        path = app / name
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        put(path, trap)
        assert all_that_is_learned(app) == nothing, trap


@pytest.mark.parametrize("name", [each for each in LOOKED_FOR if "/" in each])
def test_a_directory_that_is_a_link_leads_nowhere_either(app, tmp_path, name):
    outside = tmp_path / "outside"
    (outside / Path(name).name).parent.mkdir()
    (outside / Path(name).name).write_text('{"title": "of the server"}')
    (app / Path(name).parent).symlink_to(outside)
    learned = all_that_is_learned(app)
    (app / Path(name).parent).unlink()
    assert learned == all_that_is_learned(app)


def test_what_a_definition_names_is_looked_for_in_the_build_alone(app, tmp_path):
    (app / ".actor").mkdir()
    for named in (
        "../../secret.json",
        "../../../../etc/passwd",
        "/etc/passwd",
        "../.actor/../../secret.json",
        "a\x00b",
        "\ud800",
    ):
        with pytest.raises(source_files.BadSource, match="which is not there"):
            source_files.read_input_schema(app, {"input": named})


def test_links_within_a_build_lead_on(app):
    (app / "docs/deep").mkdir(parents=True)
    (app / "docs/deep/README.md").write_text("# Read")
    (app / "docs/here").symlink_to("deep")
    (app / "README.md").symlink_to("docs/here/../deep/README.md")
    assert source_files.read_text(app, {}, "readme") == "# Read"
    assert open_files.read(app, "docs/here/README.md", 3) == b"# R"
    assert open_files.read(app, "README.md/", 3) is None
    assert open_files.names(app / "docs") == ["deep", "here"]


def test_a_directory_that_was_replaced_by_a_link_holds_nothing(app, tmp_path):
    link = tmp_path / "link"
    link.symlink_to("/etc")
    assert open_files.read(link, "passwd", 10) is None
    assert open_files.names(link) == []
    assert not open_files.is_no_link_but_a_directory(link)


def test_a_link_that_is_swapped_while_it_is_followed_leads_nowhere_else(app, tmp_path):
    secret = tmp_path / "outside"
    secret.mkdir()
    (secret / "README.md").write_text(SECRET)
    (app / "true").mkdir()
    (app / "true/README.md").write_text("# Read")
    done = threading.Event()

    def swap() -> None:
        for target in ["true", str(secret), "../outside"] * 300:
            (app / "next").symlink_to(target)
            (app / "next").rename(app / "docs")
        done.set()

    thread = threading.Thread(target=swap)
    thread.start()
    seen = set()
    while not done.is_set():
        seen.add(open_files.read(app, "docs/README.md", 100))
    thread.join()
    assert seen <= {None, b"# Read"}


def test_no_descriptor_is_left_open(app, tmp_path):
    (app / "README.md").symlink_to("../secret.json")
    (app / "fine").write_text("x")
    before = list(Path("/proc/self/fd").iterdir())
    for name in ("README.md", "fine", "fine/x", "../x", "/x", "."):
        open_files.read(app, name, 10)
        open_files.is_file(app, name)
        open_files.is_directory(app, name)
    assert list(Path("/proc/self/fd").iterdir()) == before


# Stands in for npm, and leaves what the server then looks for.
LEAVES = """
import os
os.mkdir("node_modules") if not os.path.isdir("node_modules") else None
os.mkdir(".actor")
os.mkfifo(".actor/actor.json")
os.mkfifo("actor.json")
os.symlink("/proc/self/environ", "README.md")
os.symlink("/etc/passwd", "CHANGELOG.md")
os.symlink("/etc", "src")
os.symlink("gone", "requirements.txt")
"""


@pytest.mark.django_db
def test_a_build_that_is_full_of_traps_is_built_and_run(ada, monkeypatch):
    install = Installation([sys.executable, "-c", LEAVES], directories.NODE_MODULES, writes_files=True)
    monkeypatch.setattr(build_directory, "installations", lambda project: [install])
    actor = actor_of(ada, {"main.py": "import os\nprint(sorted(os.listdir()))"})
    build = built(actor)
    assert build.status == JobStatus.SUCCEEDED, read_text(build.pk)
    content = BuildContent.objects.get(build=build)
    assert (content.definition, content.input_schema, content.readme, content.changelog) == ("", "", "", "")
    run = starting.start(actor, by=ada.principal)
    execute_run.execute(run.pk)
    run.refresh_from_db()
    assert run.status == JobStatus.SUCCEEDED, read_text(run.pk)
    assert "'CHANGELOG.md', 'README.md', 'main.py', 'node_modules', 'requirements.txt', 'src'" in read_text(run.pk)


def test_a_revision_is_written_through_no_link(tmp_path):
    fetched = tmp_path / "fetched"
    (fetched / "files").mkdir(parents=True)
    (fetched / "revision").write_text("0" * 40)
    (tmp_path / "revision").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        fetch_source.take(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


# What follows links, in the modules that touch files of a build or run, and why it may.
FOLLOWING = {"is_file", "is_dir", "exists", "stat", "resolve", "glob", "rglob", "iterdir", "copytree", "copy"}
FOLLOWING |= {"open", "read_text", "read_bytes", "write_text", "write_bytes", "chmod", "samefile"}
ALLOWED = {
    (
        "source_files",
        "open",
    ): "they are written before anything is installed, and only where there is nothing",
    ("execute_build", "read_text"): "that of source_files, which reads by descriptors",
    ("fetch_source", "open"): "the revision is written only where there is nothing",
    ("maintenance", "exists"): "asked of the database",
    ("copy_files", "stat"): "without following links",
    ("build_directory", "is_dir"): "the directory of a build that is ready has a name that only the server gives",
    ("directories", "iterdir"): "the names of all builds and runs are the server's own",
    ("open_files", "open"): "by descriptors, one part at a time",
    ("open_files", "chmod"): "of a descriptor",
    ("copy_files", "open"): "by descriptors, without following links",
    ("disk_usage", "open"): "by descriptors, without following links",
    ("disk_usage", "is_dir"): "without following links",
    ("disk_usage", "stat"): "without following links",
    ("disk_usage", "chmod"): "of a descriptor",
}


def test_nothing_else_opens_what_a_build_has_brought():
    worker = (
        "source_files",
        "project",
        "commands",
        "start_check",
        "installations",
        "build_directory",
        "fetch_source",
        "execute_build",
        "execute_run",
        "maintenance",
    )
    found = {(module, name) for module in worker for name in following("worker", module)}
    sandbox = ("directories", "open_files", "copy_files", "disk_usage")
    found |= {(module, name) for module in sandbox for name in following("sandbox", module)}
    assert found == set(ALLOWED)


def following(area: str, module: str) -> set[str]:
    tree = ast.parse((settings.BASE_DIR / f"resources/{area}/{module}.py").read_text())
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    ours = {call.attr for call in calls if isinstance(call, ast.Attribute) and ast.unparse(call.value) != "open_files"}
    return (ours | {call.id for call in calls if isinstance(call, ast.Name)}) & FOLLOWING
