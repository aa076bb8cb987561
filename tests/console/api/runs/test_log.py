"""Logs over HTTP: who reads them, as what, and until when."""

import pytest

from accounts.lib.ids import new_id
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.logs import following
from resources.logs.following import follow, printable, whole
from resources.logs.reading import read_some
from resources.logs.writing import append
from resources.models import Build, Run
from tests.support.api import error_of

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[Kind.RUN, Kind.BUILD])
def job(request, ada, make_resource):
    job = make_resource(request.param, ada, status=JobStatus.SUCCEEDED, general_access="RESTRICTED")
    append(job.pk, b"\x1b[31mred\x1b[0m\n")
    append(job.pk, "žluť\n".encode())
    return job


def addresses(job):
    return [f"/v2/logs/{job.pk}", f"/v2/{job.info.api_path}/{job.pk}/log"]


def text(response):
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content).decode()


def test_refusals(api, ada, cleo, job, make_resource):
    for at in addresses(job):
        for client in (api(), api(cleo)):
            assert (client.get(at).status_code, client.get(f"{at}?stream=1").status_code) == (403, 403)
    dataset = make_resource(Kind.DATASET, ada)
    for missing in (new_id(), dataset.pk, "x", "ada~prices"):
        assert api(ada).get(f"/v2/logs/{missing}").status_code == 404
    assert api(ada).get(f"/v2/logs/{job.pk}?stream=maybe").json()["error"]["type"] == "invalid-value"


def test_a_log_is_plain_text_and_nothing_else(api, ada, ben, give, job):
    give(job, ben)
    for at in addresses(job):
        response = api(ben).get(at)
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response["Content-Security-Policy"]
        assert text(response) == "red\nžluť\n"
        assert text(api(ben).get(f"{at}?raw=1")) == "\x1b[31mred\x1b[0m\nžluť\n"
        assert text(api(ben).get(f"{at}?stream=1")) == "red\nžluť\n"
        download = api(ben).get(f"{at}?download=1")
        assert download["Content-Disposition"] == f'attachment; filename="{job.pk}.log"'
        assert text(download) == "red\nžluť\n"
        assert text(api(ben).head(at)) == ""


def test_what_is_added_is_followed_to_the_end(job, monkeypatch):
    model = type(job)
    model.objects.filter(pk=job.pk).update(status=JobStatus.RUNNING)
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        append(job.pk, f"line {len(pauses)}\n".encode())
        if len(pauses) == 3:
            model.objects.filter(pk=job.pk).update(status=JobStatus.SUCCEEDED)

    monkeypatch.setattr(following, "sleep", sleep)
    read = b"".join(follow(job.pk, Kind(job.kind), lambda: True))
    assert read.endswith(b"line 1\nline 2\nline 3\n")
    assert len(pauses) == 3


def test_nobody_is_followed_for(job, monkeypatch):
    type(job).objects.filter(pk=job.pk).update(status=JobStatus.RUNNING)
    monkeypatch.setattr(following, "sleep", lambda seconds: None)
    answers = iter([True, True, False])
    assert b"red" in b"".join(follow(job.pk, Kind(job.kind), lambda: next(answers)))


def test_what_is_deleted_has_no_more_to_say(job):
    Build.objects.all().delete()
    Run.objects.all().delete()
    assert list(follow(job.pk, Kind(job.kind), lambda: True)) == []


def leave(response):
    """Do what the server does when a reader leaves, be it before the first piece."""
    for close in response._resource_closers:
        close()


def test_those_who_wait_leave_some_threads_alone(api, ada, ben, give, job, settings):
    give(job, ben)
    settings.WAITING_THREADS = settings.WAITING_THREADS_OF_ONE = 1
    of_ben = api(ben).get(f"/v2/logs/{job.pk}?stream=1")
    response = api(ada).get(f"/v2/logs/{job.pk}?stream=1")
    assert error_of(response) == (429, "rate-limit-exceeded")
    leave(of_ben)
    unread = api(ada).get(f"/v2/logs/{job.pk}?stream=1")
    assert unread.status_code == 200
    leave(unread)
    assert text(api(ada).get(f"/v2/logs/{job.pk}?stream=1")) == "red\nžluť\n"


def test_those_who_are_nobody_leave_places_for_others(api, ada, job, settings):
    type(job).objects.update(general_access="ANYONE_WITH_ID_CAN_READ")
    stream = f"/v2/logs/{job.pk}?stream=1"
    followers = [api().get(stream) for _ in range(settings.WAITING_THREADS)]
    assert [each.status_code for each in followers] == [200] * 3 + [429] * 9
    assert text(api(ada).get(stream)) == "red\nžluť\n"
    leave(followers[0])
    assert text(api().get(stream)) == "red\nžluť\n"
    for each in followers:
        leave(each)


def test_a_log_is_read_in_portions_of_any_size(job):
    whole_log = b"".join(whole(job.pk))
    for size in (1, 3, 7, 1000):
        read, at = b"", 0
        while portion := read_some(job.pk, at, size):
            assert len(portion) <= size
            read, at = read + portion, at + len(portion)
        assert read == whole_log


def test_many_small_pieces_are_read_whole(ada, make_resource):
    job = make_resource(Kind.RUN, ada)
    lines = [f"{number}\n".encode() for number in range(100)]
    for line in lines:
        append(job.pk, line)
    assert b"".join(whole(job.pk)) == b"".join(lines)


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_what_terminals_understand_is_taken_out_however_it_is_cut(size):
    raw = b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07and\x00 \x1b(Bplain\ttab\r\n\x1b[2Kend"
    pieces = (raw[at : at + size] for at in range(0, len(raw), size))
    assert b"".join(printable(pieces)) == b"red and plain\ttab\r\nend"


def test_a_line_without_an_end_does_not_pile_up(monkeypatch):
    monkeypatch.setattr(following, "PORTION", 10)
    pieces = list(printable(iter([b"x" * 8] * 4)))
    assert b"".join(pieces) == b"x" * 32
    assert max(map(len, pieces)) <= 18
