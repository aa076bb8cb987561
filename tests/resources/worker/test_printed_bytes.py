"""What programs print is UTF-8 in the log, whatever it was, in whichever pieces it comes."""

import sys

import pytest

from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.logs.reading import log_length, read
from resources.sandbox import directories
from resources.worker import build_directory, execute_run
from resources.worker.installations import Installation
from resources.worker.log_writer import MAX_LINE_BYTES, Lines
from tests.support.work_stage import actor_of, built, started

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("looks_often")]
# An umlaut that is no UTF-8, a character that comes in two writes, and one that never ends.
PRINTS = r"""
import os, time
os.write(1, b"M\xfcller\n\xe2")
time.sleep(0.05)
os.write(1, b"\x82\xac\n\xe2\x82")
"""
PRINTED = ["M\ufffdller", "€", "\ufffd"]
CHARACTERS = ["é", "€", "\U0001f600"]


@pytest.fixture
def job(ada, make_resource) -> str:
    return make_resource(Kind.RUN, ada).pk


def logged(job: str, pieces: list[bytes], hidden: list[str] | None = None) -> list[str]:
    """Return what the log has more, without the times, when this was printed in these pieces."""
    start, lines = log_length(job), Lines(job)
    lines.hide(hidden or [])
    for piece in pieces:
        lines.feed(piece)
    lines.end()
    return lines_of(job, start)


def lines_of(job: str, start: int = 0) -> list[str]:
    return [line.partition(" ")[2] for line in b"".join(read(job, start)).decode().split("\n")[:-1]]


@pytest.mark.parametrize("character", CHARACTERS)
def test_a_character_that_a_read_cuts_in_two_stays_whole(job, character):
    text = character.encode()
    for at in range(1, len(text)):
        assert logged(job, [b"<" + text[:at], text[at:] + b">\n"]) == [f"<{character}>"]


@pytest.mark.parametrize("character", CHARACTERS)
@pytest.mark.parametrize("size", [1000, 64 * 1024, 10 * MAX_LINE_BYTES])
def test_a_character_where_a_long_line_is_cut_stays_whole(job, character, size):
    width = len(character.encode())
    for before in range(width):
        text = b"." * before + character.encode() * (3 * MAX_LINE_BYTES // width)
        found = logged(job, [text[at : at + size] for at in range(0, len(text), size)])
        assert "".join(found) == text.decode()


def test_bytes_without_end_that_are_no_characters_are_cut_too(job):
    found = logged(job, [b"\x80" * (3 * MAX_LINE_BYTES)])
    assert "".join(found) == "\ufffd" * (3 * MAX_LINE_BYTES)
    assert len(found) == 3


def test_a_value_beside_what_is_no_utf8_is_hidden(job):
    assert logged(job, [b"\xffhunter2\xff\n"], hidden=["hunter2"]) == ["\ufffd********\ufffd"]


def test_what_runs_print_is_utf8(ada):
    run = started(ada, {"main.py": PRINTS})
    execute_run.execute(run.pk)
    run.refresh_from_db()
    assert run.status == JobStatus.SUCCEEDED
    assert set(PRINTED) <= set(lines_of(run.pk))


def test_what_installing_prints_is_utf8(ada, monkeypatch):
    installing = Installation([sys.executable, "-c", PRINTS], directories.PACKAGES)
    monkeypatch.setattr(build_directory, "installations", lambda project: [installing])
    build = built(actor_of(ada, {"main.py": ""}))
    assert build.status == JobStatus.SUCCEEDED
    assert set(PRINTED) <= set(lines_of(build.pk))
