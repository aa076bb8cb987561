"""Logs and status messages do not say what is secret: values are hidden, in whichever pieces they are printed."""

import json
import sys
from collections import OrderedDict
from functools import partial
from types import SimpleNamespace

import pytest

from accounts.lib.encryption import encrypt
from resources.actors import environment
from resources.actors.environment import Environment, Variable
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.logs.reading import read_text
from resources.models import Actor, BuildContent, InputKeyPair, Run
from resources.runs import input_secrets, kept_secrets, restarting, starting
from resources.runs.tokens import make_run_token
from resources.secret_inputs.values import decrypted
from resources.worker import build_directory, execute_run
from resources.worker.installations import Installation
from resources.worker.log_writer import MAX_LINE_BYTES, Lines
from tests.support.secret_stage import GIVEN, secret_actor
from tests.support.work_stage import actor_of, built

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("looks_often")]
SECRET = "correct horse battery staple"
PRINTS = (
    "import os\nfor name in ('PASSWORD', 'LEVEL', 'APIFY_TOKEN', 'APIFY_API_BASE_URL'):\n    print(os.environ[name])"
)


@pytest.fixture
def job(ada, make_resource) -> str:
    return make_resource(Kind.RUN, ada).pk


@pytest.fixture
def printed(job):
    """Return what is in the log, without the times, of what was printed in these pieces."""

    def print_in(*pieces: bytes, hidden: list[str]) -> list[str]:
        lines = Lines(job)
        lines.hide(hidden)
        for piece in pieces:
            lines.feed(piece)
        lines.end()
        return [line.partition(" ")[2] for line in read_text(job).split("\n")[:-1]]

    return print_in


# What is hidden


def test_a_value_is_hidden_wherever_it_is(printed):
    assert printed(b"hunter2\nmy hunter2, xhunter2hunter2x\nhunter\n", hidden=["hunter2"]) == [
        "********",
        "my ********, x****************x",
        "hunter",
    ]


@pytest.mark.parametrize(("value", "is_hidden"), [("12345", False), ("123456", True), ("žluťoučk", True), ("", False)])
def test_what_is_shorter_than_six_characters_is_not(printed, value, is_hidden):
    assert printed(f"<{value}>\n".encode(), hidden=[value]) == ["<********>" if is_hidden else f"<{value}>"]


def test_a_value_of_several_lines_is_hidden_line_by_line(printed):
    value = "-----BEGIN-----\r\nMIIEvQIBADAN\nabc\n  indented\n"
    assert printed(value.encode(), hidden=[value]) == ["********", "********", "abc", "  ********"]


def test_of_values_that_overlap_nothing_is_left(printed):
    assert printed(b"abcdefghij|defghijkl|abcdefghijkl\n", hidden=["abcdef", "abcdefgh", "defghijkl"]) == [
        "********ij|********|********"
    ]


def test_a_value_is_hidden_within_json_too(printed):
    value = 'quo"te\\ and žluť'
    pieces = [json.dumps({"it": value}, ensure_ascii=ascii_only).encode() + b"\n" for ascii_only in (True, False)]
    assert printed(*pieces, hidden=[value]) == ['{"it": "********"}'] * 2


def test_the_workers_own_words_hide_it_too(job):
    lines = Lines(job)
    lines.hide([SECRET])
    lines.note(f"It says {SECRET}.")
    lines.end()
    assert read_text(job).endswith(" ACTOR: It says ********.\n")


# In pieces


@pytest.mark.parametrize("at", range(1, len(SECRET)))
def test_a_value_that_comes_in_two_pieces_is_hidden(printed, at):
    text = SECRET.encode()
    assert printed(b"<" + text[:at], text[at:] + b">", hidden=[SECRET]) == ["<********>"]


@pytest.mark.parametrize("size", [1, 7, 1000, 64 * 1024])
@pytest.mark.parametrize("before", [MAX_LINE_BYTES - 40, MAX_LINE_BYTES - 5, MAX_LINE_BYTES])
def test_a_value_where_a_long_line_is_cut_is_hidden(printed, before, size):
    text = b"." * before + SECRET.encode() + b"-" * (2 * MAX_LINE_BYTES) + SECRET.encode()
    pieces = [text[at : at + size] for at in range(0, len(text), size)] if size > 1 else [text[:before], text[before:]]
    found = printed(*pieces, hidden=[SECRET, SECRET[:12]])
    assert "".join(found) == "." * before + "********" + "-" * (2 * MAX_LINE_BYTES) + "********"
    assert len(found) > 2


def test_a_line_without_end_is_not_kept_in_memory(job):
    lines = Lines(job)
    lines.hide(["a" * 6, "a" * 7])
    for _ in range(20):
        lines.feed(b"a" * 64 * 1024)
        assert len(lines._rest) <= MAX_LINE_BYTES + 7


# What a build keeps


def test_a_build_keeps_which_variables_are_secret(ada):
    version = actor_of(ada, {"main.py": ""}).versions.get()
    variables = [Variable("PASSWORD", SECRET, is_secret=True), Variable("LEVEL", "debugging")]
    environment.replace(version, variables, by=ada.principal)
    kept = environment.decrypt_environment(environment.encrypt_environment(environment.of_version(version)))
    assert kept.values == {"LEVEL": "debugging", "PASSWORD": SECRET}
    assert kept.secrets() == [SECRET]


def test_of_what_was_built_before_that_was_kept_every_variable_is_secret():
    kept = environment.decrypt_environment(encrypt('{"LEVEL":"debugging"}'))
    assert (kept.values, kept.secrets()) == ({"LEVEL": "debugging"}, ["debugging"])


def test_a_build_without_variables_keeps_nothing():
    assert environment.encrypt_environment(Environment()) == ""
    assert environment.decrypt_environment("") == Environment()


# Runs and builds


@pytest.fixture
def make_run_of(ada):
    """Return a run, READY, of an Actor with a secret variable."""

    def make(code: str) -> Run:
        actor = actor_of(ada, {"main.py": code})
        variables = [Variable("PASSWORD", SECRET, is_secret=True), Variable("LEVEL", "debugging")]
        environment.replace(actor.versions.get(), variables, by=ada.principal)
        assert built(actor).status == JobStatus.SUCCEEDED
        return starting.start(actor, by=ada.principal)

    return make


def test_a_run_that_prints_what_it_was_given_tells_nobody_its_secrets(make_run_of):
    run = make_run_of(PRINTS)
    execute_run.execute(run.pk)
    run.refresh_from_db()
    assert run.status == JobStatus.SUCCEEDED
    said = [line.partition(" ")[2] for line in read_text(run.pk).splitlines() if " ACTOR: " not in line]
    assert said[:3] == ["********", "debugging", "********"]
    assert said[3].endswith(f"/from/{run.pk}.********")


def test_a_build_that_prints_a_secret_tells_nobody(ada, monkeypatch):
    code = "import os; print('<', os.environ['PASSWORD'], os.environ['LEVEL'], '>', sep='')"
    monkeypatch.setattr(
        build_directory,
        "installations",
        lambda project: [Installation([sys.executable, "-c", code], build_directory.PACKAGES)],
    )
    actor = actor_of(ada, {"main.py": ""})
    actor.versions.update(apply_env_vars_to_build=True)
    variables = [Variable("PASSWORD", SECRET, is_secret=True), Variable("LEVEL", "debugging")]
    environment.replace(actor.versions.get(), variables, by=ada.principal)
    build = built(actor)
    assert build.status == JobStatus.SUCCEEDED
    assert " <********debugging>\n" in read_text(build.pk)


# Status messages


@pytest.fixture
def at_work(make_run_of):
    """Return a run at work, and its token."""
    run = make_run_of("")
    Run.objects.filter(pk=run.pk).update(status=JobStatus.RUNNING)
    return run, make_run_token(run)


def say(client, run: Run, message: str, token: str) -> str:
    response = client.put(
        f"/v2/actor-runs/{run.pk}",
        json.dumps({"statusMessage": message}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert response.status_code == 200, response.content
    run.refresh_from_db()
    assert response.json()["data"]["statusMessage"] == run.status_message
    return run.status_message


def test_a_run_does_not_tell_its_secrets_in_its_status_message(client, at_work):
    run, token = at_work
    message = f"Signed in by {SECRET} and {token} at debugging"
    assert say(client, run, message, token) == "Signed in by ******** and ******** at debugging"


@pytest.fixture
def at_work_with_secret_input(ada):
    """Return a run at work whose input has secret fields, and its token."""
    actor = secret_actor(ada)
    run = starting.start(actor, by=ada.principal, input=json.dumps(GIVEN).encode(), content_type="application/json")
    Run.objects.filter(pk=run.pk).update(status=JobStatus.RUNNING)
    return run, make_run_token(run)


def test_a_run_does_not_tell_the_secret_fields_of_its_input_in_its_status_message(client, at_work_with_secret_input):
    run, token = at_work_with_secret_input
    message = f"Signed in by {GIVEN['password']} and {GIVEN['cookies'][0]['value']} at {GIVEN['url']}"
    assert say(client, run, message, token) == f"Signed in by ******** and ******** at {GIVEN['url']}"


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """Return the fields that are decrypted, one after the other."""
    calls: list[str] = []

    def counting(name, text, key):
        calls.append(name)
        return decrypted(name, text, key)

    monkeypatch.setattr(input_secrets, "decrypted", counting)
    return calls


def test_the_input_is_decrypted_once_for_all_messages_of_a_run(client, at_work_with_secret_input, reads):
    run, token = at_work_with_secret_input
    for number in range(3):
        assert say(client, run, f"{number}: {GIVEN['password']}", token) == f"{number}: ********"
    assert sorted(reads) == ["cookies", "password"]


def test_an_input_that_a_run_is_given_later_is_decrypted_too(client, at_work_with_secret_input, ada, reads):
    run, token = at_work_with_secret_input
    say(client, run, "Hello", token)
    target = secret_actor(ada, "target")
    given = json.dumps(GIVEN | {"password": "another-secret"}).encode()
    restarting.metamorph(run, target, by=ada.principal, input=given, content_type="application/json")
    assert say(client, run, f"another-secret and {GIVEN['password']}", token) == "******** and ********"


def test_secrets_are_kept_in_memory_of_a_bounded_number_of_runs_and_for_a_bounded_time(monkeypatch):
    now, read, run_of = [1000.0], [], partial(SimpleNamespace, resurrect_count=0, metamorphs=[])
    monkeypatch.setattr(kept_secrets, "_entries", OrderedDict())
    monkeypatch.setattr(kept_secrets.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(input_secrets, "load_hidden_texts", lambda run: read.append(run.pk) or ["secret"])
    for at in range(kept_secrets.MOST_RUNS + 5):
        assert kept_secrets.get_hidden_texts(run_of(pk=f"{at}")) == ["secret"]
    assert len(kept_secrets._entries) == kept_secrets.MOST_RUNS
    now[0] += kept_secrets._SECONDS + 1
    read.clear()
    kept_secrets.get_hidden_texts(run_of(pk="9"))
    kept_secrets.get_hidden_texts(run_of(pk="9"))
    assert read == ["9"]
    assert len(kept_secrets._entries) == 1


@pytest.mark.parametrize("spoil", [lambda run: Actor.objects.get(pk=run.actor_id).delete(), lambda run: _spoil_keys()])
def test_a_message_is_hidden_whole_where_the_key_of_the_input_is_gone(client, at_work_with_secret_input, spoil):
    run, token = at_work_with_secret_input
    spoil(run)
    assert say(client, run, f"Signed in by {GIVEN['password']}", token) == "********"


def _spoil_keys() -> None:
    InputKeyPair.objects.update(private_key="of another SECRET_KEY")


def test_what_others_say_of_a_run_tells_them_nothing_of_its_secrets(api, ada, at_work):
    """Who may write a message could otherwise try what the secrets are."""
    run, _ = at_work
    response = api(ada).put(f"/v2/actor-runs/{run.pk}", {"statusMessage": SECRET}, content_type="application/json")
    assert response.json()["data"]["statusMessage"] == SECRET


def test_a_message_is_hidden_whole_where_nobody_knows_what_is_secret(client, at_work):
    run, token = at_work
    BuildContent.objects.update(environment="of another SECRET_KEY")
    assert say(client, run, "Going on", token) == "********"
