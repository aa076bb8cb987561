"""How an Actor is started, and what a build is refused for that is not there to be started."""

import json
import sys
from pathlib import Path

import pytest

from resources.worker import commands, project
from resources.worker.commands import Seen, Start
from resources.worker.start_check import NoCommand
from tests.support.machine import needs_programs

SEEN = Seen("/home/actor/app", "/packages")


def start(build: Path, files: dict[str, str]) -> Start:
    for name, text in files.items():
        path = build / name if name.startswith("packages/") else build / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return commands.find_start(project.read(build / "app"), build, SEEN)


def package(**scripts: str) -> str:
    return json.dumps({"scripts": {name.replace("__", ":"): text for name, text in scripts.items()}})


def dockerfile(command: str) -> dict[str, str]:
    return {"Dockerfile": f"FROM x\nWORKDIR /app\nCOPY . .\n{command}"}


@pytest.mark.parametrize(
    ("script", "missing"),
    [
        ("node dist/main.js", "The file dist/main.js"),
        ("node --enable-source-maps -r ./x.js dist/main", "The file dist/main"),
        ("NODE_ENV=production node dist/main.js", "The file dist/main.js"),
        ("echo started && node dist/main.js", "The file dist/main.js"),
        ("tsx src/main.ts", "The program tsx"),
        ("cross-env A=1 node main.js", "The program cross-env"),
        ("./run.sh", "The program ./run.sh"),
        ("bash run.sh", "The file run.sh"),
        ("python3 gone.py", "The file gone.py"),
        ("python3 -m gone", "The module gone"),
        ("python3 -u -m gone.json", "The module gone.json"),
        ("node 'main.js", "A quote in the script start of package.json is not closed."),
        ("npm run gone", "package.json has no script gone"),
        ("npm run other", "The file gone.js"),
        ("exec node gone.js > log 2>&1", "The file gone.js"),
        ("node ../../../../etc/passwd", "The file ../../../../etc/passwd"),
    ],
)
@needs_programs("npm")
def test_a_start_whose_program_is_not_there_is_refused(tmp_path, script, missing):
    files = {"package.json": package(start=script, other="node gone.js"), "main.js": ""}
    with pytest.raises(NoCommand) as refused:
        start(tmp_path, files)
    assert str(refused.value).startswith(missing)


@pytest.mark.parametrize(
    "script",
    [
        "node main.js",
        "node main",
        "node ./lib",
        "node .",
        "node -e 'code'",
        "node --import tsx main.js",
        "node $MAIN",
        "node dist/*.js",
        "tool main.ts",
        "cd elsewhere && node gone.js",
        "npm run again",
        "npm start",
        "npm run a; npm run b",
        "export A=1; [ -f x ] || node main.js",
        "if true; then node main.js; fi",
        "python3 -m json.tool",
        "python3 -m tool",
        "python3 -m elsewhere",
        "python3 -m $MODULE",
        "echo a # don't\nnode main.js",
        "/usr/bin/env node main.js",
        "/usr/local/bin/node main.js",
        "node main.js | tee log",
    ],
)
@needs_programs("npm")
def test_a_start_whose_program_is_there_or_not_to_be_told_is_accepted(tmp_path, script):
    files = {"package.json": package(start=script, again="npm run start", a="node main.js", b="node lib/index.js")}
    files |= {"main.js": "", "lib/index.js": "", "node_modules/.bin/tool": "", "tool.py": "", "src/elsewhere.py": ""}
    assert start(tmp_path, files).command[1:] == ["start", "--silent"]


@needs_programs("npm")
def test_what_is_started_in_production_comes_first(tmp_path):
    files = {"package.json": package(start="npm run start__dev", start__prod="node main.js"), "main.js": ""}
    assert start(tmp_path, files).command[1:] == ["run", "start:prod", "--silent"]


@needs_programs("npm")
def test_where_that_is_not_there_the_other_one_is_started(tmp_path):
    files = {"package.json": package(start="node main.js", start__prod="node dist/main.js"), "main.js": ""}
    assert start(tmp_path, files).command[1:] == ["start", "--silent"]


@pytest.mark.parametrize("main", ["./lib/index", "lib", "lib/", "lib/index.js"])
@needs_programs("node")
def test_main_is_found_as_node_finds_it(tmp_path, main):
    found = start(tmp_path, {"package.json": json.dumps({"main": main}), "lib/index.js": "", "main.js": ""})
    assert str(Path(found.command[1])) == "lib/index.js"


def test_programs_of_the_actor_are_found_by_its_path(tmp_path):
    files = {**dockerfile('ENV PATH="/app/tools:/opt/x:$PATH"\nCMD ["ls"]'), "tools/ls": ""}
    found = start(tmp_path, files)
    assert (found.command, found.executed) == (["/home/actor/app/tools/ls"], ("tools/ls",))


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        ('CMD ["python", "gone.py"]', "The file gone.py"),
        ('CMD ["python", "/app/gone.py"]', "The file gone.py"),
        ('CMD ["python3", "-m", "gone"]', "The module gone"),
        ('CMD ["python3", "-m", "lib"]', "The module lib"),
        ('CMD ["./gone"]', "The program ./gone"),
        ('CMD ["gone-program", "x"]', "The program gone-program"),
        ("CMD gone-program x", "The program gone-program"),
        ("CMD echo x && /app/gone.sh", "The program gone.sh"),
        ('CMD ["/etc/shadow"]', "The program /etc/shadow"),
        ('CMD ["/usr/../root/x"]', "The program /usr/../root/x"),
        ('CMD ["uv", "run", "gone-program"]', "The program gone-program"),
    ],
)
def test_a_command_whose_program_is_not_there_is_refused(tmp_path, command, missing):
    with pytest.raises(NoCommand) as refused:
        start(tmp_path, {**dockerfile(command), "lib/other.py": ""})
    assert str(refused.value) == f"{missing}, which CMD names, is not there."


PYTHON = sys.executable


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ('CMD ["python3", "-m", "src"]', [PYTHON, "-m", "src"]),
        ('CMD ["python3.12", "main.py"]', [PYTHON, "main.py"]),
        ('CMD ["/usr/local/bin/python", "-u", "/app/main.py"]', [PYTHON, "-u", "/home/actor/app/main.py"]),
        ("CMD python main.py", ["/bin/sh", "-c", "python main.py"]),
        ("CMD cd /app && python main.py", ["/bin/sh", "-c", "cd /home/actor/app && python main.py"]),
        ('ENTRYPOINT ["./run.sh"]\nCMD ["x"]', ["./run.sh", "x"]),
        ('CMD ["/app/run.sh"]', ["/home/actor/app/run.sh"]),
        ('CMD ["spider", "crawl"]', ["/packages/bin/spider", "crawl"]),
        ('CMD ["env", "A=1", "true"]', ["/usr/bin/env", "A=1", "true"]),
    ],
)
def test_a_command_of_the_dockerfile_is_started(tmp_path, command, words):
    files = {"main.py": "", "src/__main__.py": "", "run.sh": "", "packages/bin/spider": ""}
    found = start(tmp_path, {**dockerfile(command), **files})
    assert (found.command, found.directory, found.left_out) == (words, "", ())
    assert found.executed == (("run.sh",) if "run.sh" in words[0] else ())


def test_it_is_started_in_its_working_directory(tmp_path):
    files = dockerfile('WORKDIR one\nCMD ["python", "main.py"]')
    assert start(tmp_path, {**files, "one/main.py": ""}) == Start([PYTHON, "main.py"], "one")


@pytest.mark.parametrize(
    ("command", "words", "left_out"),
    [
        (
            "CMD ./start_xvfb_and_run_cmd.sh && python main.py",
            ["/bin/sh", "-c", "python main.py"],
            ["start_xvfb_and_run_cmd.sh"],
        ),
        ('CMD ["uv", "run", "--frozen", "python", "main.py"]', [PYTHON, "main.py"], ["uv run"]),
        ("CMD poetry run python main.py", ["/bin/sh", "-c", "python main.py"], ["poetry run"]),
        (
            'CMD ["xvfb-run-of-test", "-a", "-s", "-screen 0 1x1x24", "--auto-servernum", "python", "main.py"]',
            [PYTHON, "main.py"],
            ["xvfb-run-of-test"],
        ),
        (
            "CMD xvfb-run-of-test --server-args='-screen 0' -e /dev/stderr python main.py",
            ["/bin/sh", "-c", "python main.py"],
            ["xvfb-run-of-test"],
        ),
    ],
)
def test_what_only_is_around_the_program_is_left_out(tmp_path, command, words, left_out, monkeypatch):
    wrappers = {name.replace("xvfb-run", "xvfb-run-of-test"): pattern for name, pattern in commands._WRAPPERS.items()}
    xvfb = wrappers["xvfb-run-of-test"].replace("xvfb-run", "xvfb-run-of-test")
    monkeypatch.setattr(commands, "_WRAPPERS", wrappers | {"xvfb-run-of-test": xvfb})
    assert start(tmp_path, {**dockerfile(command), "main.py": ""}) == Start(words, "", tuple(left_out))


def test_what_is_around_the_program_and_is_there_stays(tmp_path):
    command = "CMD ./start_xvfb_and_run_cmd.sh && python main.py"
    files = {**dockerfile(command), "main.py": "", "start_xvfb_and_run_cmd.sh": ""}
    assert start(tmp_path, files) == Start(
        ["/bin/sh", "-c", command.removeprefix("CMD ")], executed=("start_xvfb_and_run_cmd.sh",)
    )
