"""What the files of a build say of how they are made ready: where they start, in which language and version."""

import json
from pathlib import Path

import pytest

from resources.sandbox import interpreters
from resources.sandbox.interpreters import OWN
from resources.worker import project
from resources.worker.installations import Installation, installations
from resources.worker.project import Project
from resources.worker.source_files import BadSource

OTHER = "3.99"


def read(app: Path, files: dict[str, str]) -> Project:
    for name, text in files.items():
        path = app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return project.read(app)


def installation(app: Path, files: dict[str, str]) -> Installation:
    (found,) = installations(read(app, files))
    return found


@pytest.fixture
def other_python(monkeypatch) -> None:
    """Let another version of Python be on the server."""
    monkeypatch.setattr(project, "interpreters", lambda: {OWN: "/own", OTHER: "/other"})
    monkeypatch.setattr("resources.worker.installations.interpreters", lambda: {OWN: "/own", OTHER: "/other"})


def test_a_dockerfile_that_actor_json_names_must_be_there(tmp_path):
    with pytest.raises(BadSource, match=r'names the file "\./Gone"'):
        read(tmp_path, {".actor/actor.json": '{"dockerfile": "./Gone"}', "Dockerfile": "FROM x\nCMD a"})


def test_a_dockerfile_that_leads_out_is_none(tmp_path):
    (tmp_path / "outside").write_text('FROM x\nCMD ["a"]')
    with pytest.raises(BadSource):
        read(tmp_path / "app", {".actor/actor.json": '{"dockerfile": "../../outside"}'})


@pytest.mark.parametrize(
    "text", ["#" * 70_000, "\u00e4" * 40_000, "FROM x\n" * 101], ids=["long", "of two bytes", "stages"]
)
def test_a_dockerfile_that_is_too_large_is_refused(tmp_path, text):
    with pytest.raises(BadSource, match="The Dockerfile "):
        read(tmp_path, {"Dockerfile": text})


@pytest.mark.parametrize("name", ["Dockerfile", ".actor/Dockerfile", ".actor/own", "docker/own"])
def test_the_dockerfile_is_found(tmp_path, name):
    named = f'{{"dockerfile": "../{name}"}}' if name.endswith("own") else "{}"
    found = read(tmp_path, {name: 'FROM x\nCMD ["a"]', ".actor/actor.json": named})
    assert found.image.command == ["a"]


def test_one_beside_the_definition_comes_first(tmp_path):
    found = read(tmp_path, {".actor/Dockerfile": 'FROM x\nCMD ["a"]', "Dockerfile": 'FROM x\nCMD ["b"]'})
    assert found.image.command == ["a"]


@pytest.mark.parametrize(
    ("dockerfile", "files", "is_for_node"),
    [
        ("", ["package.json"], True),
        ("", ["package.json", "requirements.txt"], True),
        ("", ["requirements.txt"], False),
        ("FROM apify/actor-python:3.12", ["package.json", "requirements.txt"], False),
        ("FROM python:3.12-slim", ["package.json"], False),
        ("FROM apify/actor-node:22", ["package.json", "requirements.txt"], True),
        ("FROM ubuntu", ["package.json"], True),
        ("FROM apify/actor-node:22", [], False),
    ],
)
def test_the_image_says_the_language_else_the_files_do(tmp_path, dockerfile, files, is_for_node):
    found = read(tmp_path, {"Dockerfile": dockerfile, **dict.fromkeys(files, "{}")})
    assert found.is_for_node is is_for_node


def test_packages_are_those_of_the_working_directory_or_of_one_above(tmp_path):
    text = "FROM node:20\nWORKDIR /app\nCOPY . .\nWORKDIR /app/one/two"
    found = read(tmp_path, {"Dockerfile": text, "one/two/x.js": "", "one/package.json": "{}", "package.json": "{}"})
    assert (found.directory, found.package_directory) == ("one/two", "one")


def test_a_working_directory_that_a_link_leads_to_is_not_used(tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app/one").symlink_to("/etc")
    found = read(tmp_path / "app", {"Dockerfile": "FROM node:20\nWORKDIR /app\nCOPY . .\nWORKDIR one"})
    assert found.directory == ""


@pytest.mark.parametrize(
    ("files", "asked"),
    [
        ({}, ""),
        ({"Dockerfile": "FROM apify/actor-python:3.99"}, "3.99"),
        ({"Dockerfile": "FROM apify/actor-python-playwright:3.99-1.50.0"}, "3.99"),
        ({"Dockerfile": "FROM docker.io/library/python:3.99.1-slim-bookworm"}, "3.99"),
        ({"Dockerfile": "FROM apify/actor-python:latest"}, ""),
        ({"Dockerfile": "FROM python:3.998"}, ""),
        ({".python-version": "3.99\n"}, "3.99"),
        ({".python-version": "3.99.2"}, "3.99"),
        ({".python-version": "pypy3.99"}, ""),
        ({".python-version": "3.98", "Dockerfile": "FROM python:3.99"}, "3.99"),
    ],
)
def test_a_version_of_python_is_asked_for(tmp_path, files, asked):
    assert read(tmp_path, files).python_asked_for() == asked


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({}, OWN),
        ({".python-version": OTHER}, OTHER),
        ({".python-version": "3.98"}, OWN),
        ({"pyproject.toml": f'[project]\nrequires-python = ">={OTHER}"'}, OTHER),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.9"'}, OWN),
        ({"pyproject.toml": '[project]\nrequires-python = ">=4"'}, OWN),
        ({"pyproject.toml": "[project]\nrequires-python = 3"}, OWN),
        ({"pyproject.toml": "not toml"}, OWN),
        ({"pyproject.toml": "project = 1"}, OWN),
    ],
)
def test_the_version_that_is_asked_for_is_used_if_it_is_there(tmp_path, files, version, other_python):
    assert read(tmp_path, files).python() == version


def test_another_version_installs_for_itself(tmp_path, other_python):
    found = installation(tmp_path, {".python-version": OTHER, "requirements.txt": "x"})
    assert list(found.command)[1:5] == ["-m", "pip", "--python", "/other"]
    assert found.says == f"Installing what requirements.txt names for Python {OTHER}."


def test_a_script_that_is_called_like_an_interpreter_is_none(tmp_path, monkeypatch):
    script = tmp_path / "bin" / "python3.13"
    script.parent.mkdir()
    script.write_text("#!/bin/sh")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(script.parent))
    found = interpreters.interpreters.__wrapped__()
    assert "3.13" not in found
    (tmp_path / "lib/python3.13").mkdir(parents=True)
    assert interpreters.interpreters.__wrapped__()["3.13"] == str(script)


def test_of_another_interpreter_its_own_files_are_seen_and_not_what_lies_beside_them(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "python3.13"
    (tmp_path / "lib/python3.13").mkdir(parents=True)
    (tmp_path / "lib/libpython3.13.so.1.0").touch()
    (tmp_path / "secret").touch()
    monkeypatch.setattr(interpreters, "interpreters", lambda: {OWN: "/own", "3.13": str(program)})
    seen = {str(path.relative_to(tmp_path)) for path in interpreters.other_files()}
    assert seen == {"bin/python3.13", "lib/python3.13", "lib/libpython3.13.so.1.0"}


@pytest.mark.parametrize(
    ("files", "arguments", "says"),
    [
        ({"requirements.txt": "x"}, ["--requirement", "requirements.txt"], "Installing what requirements.txt names."),
        (
            {"requirements.txt": "./a.whl", "a.whl": "", "b.whl": ""},
            ["--requirement", "requirements.txt", "./b.whl"],
            "Installing what requirements.txt names, and wheels.",
        ),
        (
            {"pyproject.toml": '[project]\ndependencies = ["a>1", "-r /etc/passwd", 3]'},
            ["a>1"],
            "Installing what pyproject.toml names.",
        ),
        (
            {"pyproject.toml": '[build-system]\nrequires = []\n[project]\ndependencies = ["a"]', "a.whl": ""},
            [".", "./a.whl"],
            "Installing what pyproject.toml names, and the project itself.",
        ),
        (
            {"pyproject.toml": '[project]\ndependencies = ["a"]', "requirements.txt": ""},
            ["--requirement", "requirements.txt"],
            "Installing what requirements.txt names.",
        ),
        (
            {"pyproject.toml": '[build-system]\n[tool.poetry]\npackage-mode = false\n[project]\ndependencies = ["a"]'},
            ["a"],
            "Installing what pyproject.toml names.",
        ),
        ({"a.whl": ""}, ["./a.whl"], "Installing what the wheels hold."),
        (
            {"Dockerfile": "FROM x\nCOPY . .\nRUN pip install -r needs/all.txt", "needs/all.txt": "x"},
            ["--requirement", "needs/all.txt"],
            "Installing what needs/all.txt names.",
        ),
        (
            {"Dockerfile": "FROM x\nCOPY . .\nRUN pip install -r gone.txt", "requirements.txt": "x"},
            ["--requirement", "requirements.txt"],
            "Installing what requirements.txt names.",
        ),
    ],
)
def test_pip_installs_what_the_files_name(tmp_path, files, arguments, says):
    found = installation(tmp_path, files)
    command = list(found.command)
    assert command[command.index("--quiet") + 1 :] == [*arguments, "--target"]
    assert found.says == says


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"main.py": ""},
        {"pyproject.toml": "[tool.ruff]"},
        {"pyproject.toml": "project = 1\ntool = 1"},
        {"-x.whl": ""},
    ],
)
def test_where_nothing_is_named_nothing_is_installed(tmp_path, files):
    assert installations(read(tmp_path, files)) == []


def lock(package: dict, version: int = 3) -> str:
    return json.dumps({"lockfileVersion": version, "packages": {"": package}})


@pytest.mark.parametrize(
    ("package", "files", "locked"),
    [
        ({"dependencies": {"a": "1"}}, {}, None),
        ({"dependencies": {"a": "1"}}, {"package-lock.json": "no JSON"}, False),
        ({"dependencies": {"a": "1"}}, {"package-lock.json": "[" * 100_000}, False),
        ({"dependencies": {"a": "1"}}, {"package-lock.json": lock({"dependencies": {"a": "2"}})}, False),
        ({"dependencies": {"a": "1"}}, {"package-lock.json": lock({"dependencies": {"a": "1"}})}, True),
        ({"dependencies": {"a": "1"}}, {"npm-shrinkwrap.json": lock({"dependencies": {"a": "1"}})}, True),
        ({"devDependencies": {"a": "1"}}, {"package-lock.json": lock({})}, False),
        ({"devDependencies": {}}, {"package-lock.json": lock({"name": "x"})}, True),
        ({"dependencies": {"a": "1"}}, {"package-lock.json": '{"lockfileVersion": 1, "dependencies": {}}'}, True),
        ({"dependencies": {"a": "1"}}, {"package-lock.json": '{"lockfileVersion": 3, "packages": {}}'}, False),
        ({"dependencies": {"a": "1"}}, {"package-lock.json": '{"packages": {"": 1}}'}, False),
    ],
)
def test_a_lock_file_counts_where_it_is_in_line_with_the_package(tmp_path, package, files, locked):
    found = read(tmp_path, {"package.json": json.dumps(package), **files})
    assert project.is_locked(found) is locked


@pytest.mark.parametrize("text", ["", "[]", "no JSON", '{"scripts": []}', '{"scripts": {"start": 1}}'])
def test_a_package_that_is_not_valid_has_no_scripts(tmp_path, text):
    found = read(tmp_path, {"package.json": text})
    assert found.scripts() == {}
    assert installations(found) == []
