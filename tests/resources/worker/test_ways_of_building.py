"""Builds of every kind that people bring, built and run: by npm with a script, by pip, by a Dockerfile.

All packages lie beside the Actors, so that nothing is fetched from anywhere.
"""

import json

import pytest

from resources.actors import environment
from resources.jobs.status import JobStatus
from resources.logs.reading import read_text
from resources.models import Actor, ActorVersion, Build, Run
from resources.runs import starting
from resources.sandbox import directories
from resources.worker import execute_run
from tests.support.machine import needs_programs
from tests.support.work_stage import actor_of, built, wheel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("looks_often")]

# A package with a program, as compilers are: it writes dist/main.js.
COMPILER = {
    "compiler/package.json": json.dumps({"name": "compiler", "version": "1.0.0", "bin": {"compile": "./compile.js"}}),
    "compiler/compile.js": """#!/usr/bin/env node
const fs = require("fs");
fs.mkdirSync("dist", {recursive: true});
fs.writeFileSync("dist/main.js", "console.log('compiled', fs.existsSync('node_modules/compiler'))"
    .replace("fs", "require('fs')"));
""",
    "library/package.json": json.dumps({"name": "library", "version": "1.0.0"}),
    "library/index.js": "module.exports = 'a library'",
}
PACKAGE = {
    "scripts": {"start": "npm run start:dev", "start:dev": "compile && node dist/main.js", "build": "compile"},
    "dependencies": {"library": "file:./library"},
    "devDependencies": {"compiler": "file:./compiler"},
}
IN_PRODUCTION = {**PACKAGE, "scripts": {**PACKAGE["scripts"], "start:prod": "node dist/main.js"}}


def run_of(build: Build) -> Run:
    """Start a build, and return the run as it is when it has ended."""
    assert build.status == JobStatus.SUCCEEDED, read_text(build.pk)
    run = starting.start(Actor.objects.get(pk=build.actor_id), by=build.owner.principal)
    execute_run.execute(run.pk)
    return Run.objects.get(pk=run.pk)


def lock(package: dict) -> str:
    """Return what npm writes for a package whose dependencies lie beside it."""
    known = {**package["dependencies"], **package["devDependencies"]}
    packages: dict[str, dict] = {"": {name: package[name] for name in ("dependencies", "devDependencies")}}
    for name in known:
        is_dev = {"dev": True} if name in package["devDependencies"] else {}
        packages[name] = {"version": "1.0.0", **is_dev}
        packages[f"node_modules/{name}"] = {"resolved": name, "link": True}
    packages["compiler"]["bin"] = {"compile": "compile.js"}
    return json.dumps({"name": "x", "lockfileVersion": 3, "requires": True, "packages": packages})


@needs_programs("npm")
def test_what_start_names_is_missed_when_it_is_not_there_after_building(ada):
    package = {**PACKAGE, "scripts": {"start": "node dist/other.js", "build": "compile"}}
    build = built(actor_of(ada, {"package.json": json.dumps(package), **COMPILER}))
    assert build.status == JobStatus.FAILED
    said = "The file dist/other.js, which the script start of package.json names, is not there."
    assert (build.status_message, said in read_text(build.pk)) == (said, True)


@needs_programs("npm")
def test_a_program_that_only_building_has_cannot_be_started(ada):
    build = built(actor_of(ada, {"package.json": json.dumps(PACKAGE), **COMPILER}))
    assert build.status == JobStatus.FAILED
    assert build.status_message == (
        "The program compile, which the script start:dev of package.json names, is not there."
    )


@needs_programs("npm")
def test_a_script_that_fails_fails_the_build(ada):
    package = {"scripts": {"start": "node main.js", "build": "node broken.js"}}
    files = {"package.json": json.dumps(package), "main.js": "", "broken.js": "process.exit(3)"}
    build = built(actor_of(ada, files))
    assert (build.status, build.exit_code) == (JobStatus.FAILED, 3)
    assert build.status_message == "The script build ended with exit code 3."


@needs_programs("npm")
def test_an_actor_that_is_compiled_is_built_with_what_that_needs_and_runs_without(ada):
    build = built(actor_of(ada, {"package.json": json.dumps(IN_PRODUCTION), **COMPILER}))
    log = read_text(build.pk)
    said = ["Installing what package.json names.", "Running the script build", "Removing what only building needs."]
    assert [log.index(each) for each in said] == sorted(log.index(each) for each in said)
    run = run_of(build)
    assert run.status == JobStatus.SUCCEEDED, read_text(run.pk)
    assert " compiled false\n" in read_text(run.pk)
    kept = directories.build_directory(build.pk)
    assert sorted(path.name for path in kept.iterdir()) == ["app"]
    assert (kept / "app/node_modules/library").exists()


@needs_programs("npm")
def test_a_lock_file_is_installed_as_it_is(ada):
    files = {"package.json": json.dumps(IN_PRODUCTION), "package-lock.json": lock(IN_PRODUCTION), **COMPILER}
    build = built(actor_of(ada, files))
    assert "Installing what the lock file of npm names." in read_text(build.pk)
    run = run_of(build)
    assert run.status == JobStatus.SUCCEEDED, read_text(run.pk)


@needs_programs("npm")
def test_a_lock_file_that_is_not_in_line_is_said_and_not_used(ada):
    other = {**IN_PRODUCTION, "dependencies": {}}
    files = {"package.json": json.dumps(IN_PRODUCTION), "package-lock.json": lock(other), **COMPILER}
    build = built(actor_of(ada, files))
    assert "the lock file of npm is not in line with it" in read_text(build.pk)
    assert build.status == JobStatus.SUCCEEDED, read_text(build.pk)


DOCKERFILE = """FROM node:22
WORKDIR /srv
COPY . .
RUN apk add --no-cache jq
WORKDIR /srv/actor
RUN npm ci
ENV GREETING="hello from $WHERE" WHERE=/srv/actor
ENTRYPOINT ["node", "/srv/actor/main.js"]
CMD ["--twice"]
"""
SAYS = """
console.log(process.env.GREETING, process.env.WHERE, process.cwd() === process.env.WHERE, process.argv.slice(2));
console.log(require("library"));
"""


@needs_programs("npm")
def test_a_dockerfile_says_how_and_where_it_is_started(ada):
    package = {"dependencies": {"library": "file:../library"}}
    files = {"Dockerfile": DOCKERFILE, "actor/package.json": json.dumps(package), "actor/main.js": SAYS, **COMPILER}
    build = built(actor_of(ada, files))
    log = read_text(build.pk)
    assert "ACTOR: The Dockerfile is read, not executed: there is no image node:22 here.\n" in log
    assert "ACTOR: Not done of the Dockerfile, line 4: RUN apk add --no-cache jq\n" in log
    run = run_of(build)
    assert run.status == JobStatus.SUCCEEDED, read_text(run.pk)
    assert "/actor true [ '--twice' ]\n" in read_text(run.pk)
    assert " a library\n" in read_text(run.pk)


def test_a_version_replaces_the_variables_of_the_dockerfile(ada):
    text = 'FROM x\nENV A=1 B=1\nCMD ["python", "main.py"]'
    actor = actor_of(ada, {"Dockerfile": text, "main.py": "import os; print(os.environ['A'], os.environ['B'])"})
    actor.versions.get().environment.create(name="B", value="2")
    run = run_of(built(actor))
    assert " 1 2\n" in read_text(run.pk), read_text(run.pk)


# A build backend that needs nothing: it packs the module that it is told of.
BACKEND = """
import zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "greeting-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{directory}/{name}", "w") as file:
        file.write("lib/greeting.py", "greeting.py")
        info = "greeting-1.0.dist-info"
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: greeting\\nVersion: 1.0\\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        file.writestr(f"{info}/entry_points.txt", "[console_scripts]\\ngreet = greeting:greet\\n")
        file.writestr(f"{info}/RECORD", "")
    return name
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "greeting"
version = "1.0"
"""
GREETS = "def greet():\n    print('greetings')\n"


def test_a_project_is_installed_itself_with_its_programs(ada):
    files = {"pyproject.toml": PROJECT, "backend.py": BACKEND, "lib/greeting.py": GREETS}
    build = built(actor_of(ada, {**files, "Dockerfile": 'FROM python:3\nCMD ["greet"]'}))
    assert "Installing what pyproject.toml names, and the project itself." in read_text(build.pk)
    run = run_of(build)
    assert " greetings\n" in read_text(run.pk), read_text(run.pk)


def test_a_wheel_that_lies_beside_the_actor_is_installed(ada):
    actor = actor_of(ada, {"main.py": "import greeting\nprint(greeting.HELLO)"})
    version = actor.versions.get()
    files = json.loads(version.source_files)
    files.append({"name": "greeting-1.0-py3-none-any.whl", "format": "BASE64", "content": wheel()})
    actor.versions.update(source_files=json.dumps(files))
    run = run_of(built(actor))
    assert " hello from a wheel\n" in read_text(run.pk), read_text(run.pk)


def test_a_version_of_python_that_is_not_there_is_said(ada):
    build = built(actor_of(ada, {"main.py": "", "Dockerfile": "FROM apify/actor-python:3.99"}))
    assert "Python 3.99 is asked for, and is not on this server" in read_text(build.pk)
    assert build.status == JobStatus.SUCCEEDED


def test_versions_of_python_that_are_not_there_are_said(ada):
    build = built(actor_of(ada, {"main.py": "", "pyproject.toml": '[project]\nrequires-python = ">=3.99"'}))
    assert "Python >=3.99 is asked for, and is not on this server" in read_text(build.pk)


@pytest.mark.parametrize("command", ['CMD ["./run.sh"]', 'ENTRYPOINT ["/app/run.sh"]', "CMD true && ./run.sh"])
def test_scripts_are_executable_and_found_by_the_path_of_the_dockerfile(ada, command):
    text = f"FROM x\nWORKDIR /app\nCOPY . .\nENV PATH=/app/tools:/opt/x:$PATH\nRUN chmod +x run.sh\n{command}"
    build = built(actor_of(ada, {"run.sh": "#!/bin/sh\necho PATH=$PATH", "tools/x": "", "Dockerfile": text}))
    assert "PATH: /opt/x is no directory of the Actor's files.\n" in read_text(build.pk)
    assert "chmod" not in read_text(build.pk)
    said = read_text(run_of(build).pk)
    found = next(line for line in said.splitlines() if " PATH=" in line)
    assert found.split("PATH=")[1].split(":")[0].endswith("/app/tools"), said


def test_what_chmod_names_is_executable_or_listed(ada):
    text = """FROM x
WORKDIR /app
COPY . .
RUN chmod +x tools/help.sh /app/plain.txt missing.sh
RUN chmod -R +x tools
RUN chmod +x *.sh && chmod 755 /opt/elsewhere.sh
CMD ["python", "main.py"]
"""
    program = "import subprocess\nsubprocess.run(['./tools/help.sh'], check=True)"
    files = {"main.py": program, "tools/help.sh": "#!/bin/sh\necho helps", "plain.txt": "x", "Dockerfile": text}
    build = built(actor_of(ada, files))
    log = read_text(build.pk)
    assert "chmod: plain.txt is no file that begins with #!." in log
    assert "chmod: missing.sh is no file that begins with #!." in log
    assert log.count("chmod -R +x tools") == 1
    assert "chmod +x *.sh && chmod 755 /opt/elsewhere.sh" in log
    assert "help.sh is no" not in log
    assert " helps\n" in read_text(run_of(build).pk)


def test_a_path_of_the_version_comes_first(ada):
    program = "import subprocess\nsubprocess.run(['tool'], check=True)"
    text = 'FROM x\nWORKDIR /app\nCOPY . .\nRUN chmod +x own/tool\nCMD ["python", "main.py"]'
    actor = actor_of(ada, {"main.py": program, "own/tool": "#!/bin/sh\necho own", "Dockerfile": text})
    version = ActorVersion.objects.get(actor=actor)
    environment.set_variable(version, "PATH", "/app/own:/usr/bin", by=ada.principal)
    assert " own\n" in read_text(run_of(built(actor)).pk)


def test_a_file_that_cannot_be_executed_fails_the_build(ada):
    build = built(actor_of(ada, {"run": "echo x", "Dockerfile": 'FROM x\nCOPY . .\nCMD ["./run"]'}))
    assert build.status == JobStatus.FAILED
    assert build.status_message == "The file run, which is started, is not executable, and has no line with #!."
