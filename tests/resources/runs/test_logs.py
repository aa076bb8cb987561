"""Logs of builds and runs: written by lines, read from anywhere, and never without bounds."""

import pytest
from django.db import connection

from accounts.lib import disk_space
from resources.kinds import Kind
from resources.logs import following, writing
from resources.logs.following import follow, whole
from resources.logs.reading import lines_of_ours, log_length, read, read_text
from resources.logs.writing import DISK_IS_FULL, append, append_line
from resources.models import LogPiece

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(ada, make_resource) -> str:
    return make_resource(Kind.RUN, ada).pk


def test_a_log_is_read_from_any_byte_on(job):
    for line in (b"one\n", b"two\n", b"three\n"):
        append(job, line)
    whole = b"one\ntwo\nthree\n"
    for start in range(len(whole) + 2):
        assert b"".join(read(job, start)) == whole[start:]
    assert log_length(job) == len(whole)


def test_a_line_of_ours_has_its_time_and_is_one_line(job):
    append_line(job, "stopped\nby ada")
    assert read_text(job)[10:] == "T" + read_text(job)[11:23] + "Z stopped by ada\n"


def test_a_line_of_ours_is_known_from_one_that_was_printed(job):
    append_line(job, "ACCESS: one")
    (ours,) = lines_of_ours(job)
    append(job, ours + b"\n")  # to the letter
    append_line(job, "ACCESS: two")
    assert [line.partition(b" ")[2] for line in lines_of_ours(job)] == [b"ACCESS: one", b"ACCESS: two"]
    assert read_text(job).count("ACCESS: one") == 2


def test_the_end_of_a_log_begins_with_a_whole_line(job):
    append(job, b"first line\nsecond line\n")
    assert read_text(job, limit=15) == "second line\n"


def test_a_log_that_is_too_large_says_so_once_and_takes_no_more(job, monkeypatch):
    monkeypatch.setattr(writing, "MAX_LOG_BYTES", 30)
    for number in range(10):
        append(job, f"line number {number}\n".encode())
    log = read_text(job)
    assert log.startswith("line number 0\nline number 1\n")
    assert log.count("too large") == 1
    assert "number 2" not in log
    append_line(job, "aborted")
    assert read_text(job).endswith("aborted\n")


@pytest.mark.skipif(connection.vendor == "postgresql", reason="the database")
def test_a_log_on_a_full_disk_says_so_once_each_time_and_goes_on_when_there_is_space(job, monkeypatch):
    append(job, b"one\n")
    for number in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(disk_space, "free_bytes", lambda directory: disk_space.kept_back(directory))
            for _ in range(3):
                append(job, b"left out\n")
            append_line(job, "ours")
        append(job, b"goes on %d\n" % number)
    printed = [line.rpartition("Z ")[2] for line in read_text(job).splitlines()]
    assert printed == ["one", DISK_IS_FULL, "ours", "goes on 0", DISK_IS_FULL, "ours", "goes on 1"]


NO_UTF8 = [
    (b"\xff", "\ufffd"),
    (b"caf\xe9!", "caf\ufffd!"),
    ("žluť".encode()[:-1], "žlu\ufffd"),
    (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
    (b"\xf0\x9f\x98", "\ufffd"),
    ("žluť 😀".encode(), "žluť 😀"),
]


@pytest.mark.parametrize(("printed", "read_back"), NO_UTF8)
def test_what_is_no_utf8_is_replaced_when_it_is_written(job, printed, read_back):
    append(job, b"before\n" + printed + b"\nafter\n")
    assert b"".join(read(job)).decode() == f"before\n{read_back}\nafter\n"
    assert log_length(job) == len(f"before\n{read_back}\nafter\n".encode())


def test_what_was_written_before_is_replaced_when_it_is_sent(job):
    LogPiece.objects.create(job_id=job, start=0, data=b"caf\xe9\n")
    append(job, b"tea\n")
    assert b"".join(whole(job)).decode() == "caf\ufffd\ntea\n"
    assert b"".join(follow(job, Kind.RUN, lambda: False)).decode() == "caf\ufffd\ntea\n"


def test_a_log_is_sent_in_whole_lines(job, monkeypatch):
    line = "žluťoučký kůň\n".encode()
    append(job, 50 * line)
    for portion in range(len(line), 3 * len(line)):
        monkeypatch.setattr(following, "PORTION", portion)
        pieces = list(whole(job))
        assert b"".join(pieces) == 50 * line
        assert all(piece.endswith(b"\n") for piece in pieces)


def test_the_log_of_what_has_been_deleted_takes_nothing():
    append("a" * 17, b"line\n")
    append_line("a" * 17, "line")
    assert log_length("a" * 17) == 0
