"""The pages of builds: who is refused and how, then what they show, and how their log goes on."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from console.pages.runs import log as run_log
from resources.actors import editing, environment, versions
from resources.actors.source_files import SourceFile
from resources.actors.versions import VersionChange
from resources.builds import ending, starting
from resources.jobs.status import JobStatus
from resources.logs.writing import append
from resources.models import Build

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
SECRET = "hunter2-of-dan"


@pytest.fixture
def actor(dan):
    dan.general_access = "RESTRICTED"
    dan.save()
    by = dan.principal
    actor = editing.create(dan.pk, "finder", by=by)
    files = [SourceFile("main.py", content="print('<found>')\n"), SourceFile("logo.png", "BASE64", "AAEC")]
    version = versions.add(actor, "0.1", VersionChange(source_files=files, build_tag="latest"), by=by)
    environment.set_variable(version, "PASSWORD", SECRET, by=by, is_secret=True)
    return actor


@pytest.fixture
def build(actor, dan) -> Build:
    return starting.start(actor, "0.1", by=dan.principal)


def poll_address(response) -> str:
    """Return the address that a page asks for the rest of the log."""
    return response.context["log"].more


# Refusals


def test_nobody_is_led_through_sign_in(build, client):
    for path in (build.console_path, f"/actors/{build.actor_id}/builds/{build.pk}", f"{build.console_path}/log"):
        assert client.get(path)["Location"] == f"/sign-in?next={path}"


def test_a_stranger_finds_nothing(build, cleo, signed_in):
    here = signed_in(cleo)
    below = f"/actors/{build.actor_id}/builds/{build.pk}"
    for path in (build.console_path, below, *(f"{build.console_path}/{end}" for end in ("source", "log", "abort"))):
        response = here.get(path)
        assert response.status_code == 404
        assert "0.1.1" not in response.content.decode()
    assert here.post(f"{build.console_path}/abort").status_code == 404


@pytest.mark.parametrize("permission", ["READ", "RUN", "WRITE"])
def test_a_reader_of_the_actor_reads_its_builds_and_stops_none(build, actor, ben, give, signed_in, permission):
    give(actor, ben, permission)
    here = signed_in(ben)
    page = here.get(build.console_path).content.decode()
    assert "because the Actor finder was shared with you" in page
    assert "Abort" not in page
    assert here.post(f"{build.console_path}/abort").status_code == 403
    build.refresh_from_db()
    assert build.status == JobStatus.READY


def test_a_build_is_not_found_below_another_actor(build, dan, signed_in):
    other = editing.create(dan.pk, "other", by=dan.principal)
    here = signed_in(dan)
    assert here.get(f"/actors/{build.actor_id}/builds/{build.pk}").status_code == 200
    assert here.get(f"/actors/dan~finder/builds/{build.pk}").status_code == 200
    for address in (other.pk, "dan~other", "ada~finder", "x"):
        assert here.get(f"/actors/{address}/builds/{build.pk}").status_code == 404


def test_whoever_was_given_the_build_alone_is_not_told_the_actors_name(build, ben, give, signed_in):
    give(build, ben)
    page = signed_in(ben).get(build.console_path).content.decode()
    assert "an Actor" in page
    assert build.actor_id not in page
    assert "finder" not in page
    assert f'href="/actors/{build.actor_id}' not in page


def test_access_that_has_ended_stops_the_log(build, actor, ben, give, signed_in):
    grant = give(actor, ben)
    here = signed_in(ben)
    address = poll_address(here.get(build.console_path))
    append(build.pk, b"after the end\n")
    grant.delete()
    response = here.get(address, headers=HTMX)
    assert response.status_code == 404
    assert "after the end" not in response.content.decode()


def test_no_page_of_a_build_tells_a_variable(build, dan, signed_in):
    here = signed_in(dan)
    for end in ("", "/source", "/log"):
        response = here.get(f"{build.console_path}{end}")
        body = response.getvalue() if response.streaming else response.content
        assert SECRET not in body.decode()
        assert "PASSWORD" not in body.decode()


@pytest.mark.parametrize("start", ["-1", "x", "", "9" * 30, "1.5", "%00"])
def test_a_strange_place_in_the_log_is_its_beginning(build, dan, signed_in, start):
    append(build.pk, b"one\n")
    response = signed_in(dan).get(f"{build.console_path}/log?from={start}", headers=HTMX)
    assert "one" in response.content.decode()


# What they show


def test_it_shows_how_the_build_stands(build, dan, signed_in):
    append(build.pk, b"Installing <everything>\n\x1b[32mdone\x1b[0m\n")
    page = signed_in(dan).get(build.console_path).content.decode()
    assert "Build 0.1.1" in page
    assert "Ready" in page
    assert "Installing &lt;everything&gt;\ndone\n" in page
    assert "latest, once it has succeeded" in page
    assert f'href="/actors/{build.actor_id}/builds"' in page


def test_the_source_is_that_of_then(build, actor, dan, signed_in):
    version = actor.versions.get()
    versions.change(version, VersionChange(source_files=[SourceFile("main.py", content="later")]), by=dan.principal)
    here = signed_in(dan)
    page = here.get(f"{build.console_path}/source").content.decode()
    assert "print(&#x27;&lt;found&gt;&#x27;)" in page
    assert "later" not in page
    assert "3\xa0bytes that are no text" in here.get(f"{build.console_path}/source?file=logo.png").content.decode()
    assert here.get(f"{build.console_path}/source?file=gone").status_code == 404


def test_what_a_version_had_before_is_not_what_was_built(build, actor, dan, signed_in):
    here, by = signed_in(dan), dan.principal
    version = actor.versions.get()
    versions.change(version, VersionChange(source_type="TARBALL", source_url="https://example.com/a.zip"), by=by)
    archive = starting.start(actor, "0.1", by=by)
    versions.change(version, VersionChange(source_type="SOURCE_FILES"), by=by)
    files = starting.start(actor, "0.1", by=by)
    page = here.get(f"{archive.console_path}/source").content.decode()
    assert "https://example.com/a.zip" in page
    assert here.get(f"{archive.console_path}/source?file=main.py").status_code == 404
    page = here.get(f"{files.console_path}/source").content.decode()
    assert "main.py" in page
    assert "a.zip" not in page


def test_the_credentials_in_the_url_of_a_source_are_shown_to_nobody(actor, dan, signed_in):
    by = dan.principal
    versions.add(
        actor, "0.2", VersionChange(source_type="GIT_REPO", source_url="https://dan:token@example.com/a.git"), by=by
    )
    build = starting.start(actor, "0.2", by=by)
    here = signed_in(dan)
    for path in (f"{build.console_path}/source", f"{actor.console_path}/source?version=0.2"):
        page = here.get(path).content.decode()
        assert "https://example.com/a.git" in page
        assert "token@" not in page


# The log


def test_the_log_goes_on_where_it_was_until_the_build_has_ended(build, dan, signed_in):
    here = signed_in(dan)
    append(build.pk, "grün\n".encode())
    address = poll_address(here.get(build.console_path))
    assert here.get(address, headers=HTMX).status_code == 204
    append(build.pk, b"next\n")
    more = here.get(address, headers=HTMX)
    assert "next" in more.content.decode()
    assert "gr\xfcn" not in more.content.decode()
    assert "HX-Trigger" not in more.headers
    ending.finish(build.pk, JobStatus.SUCCEEDED)
    last = here.get(poll_address(more), headers=HTMX)
    assert json.loads(last["HX-Trigger"]) == {"job-changed": {}}
    assert poll_address(last) == ""
    assert "every 1s" not in last.content.decode()
    assert poll_address(here.get(build.console_path)) == ""


def test_a_large_log_is_shown_from_a_line_near_its_end_and_sent_in_parts(build, dan, signed_in, monkeypatch):
    monkeypatch.setattr(run_log, "MOST_AT_ONCE", 64)
    lines = [b"line number %d\n" % number for number in range(40)]
    for line in lines:
        append(build.pk, line)
    ending.finish(build.pk, JobStatus.FAILED)
    here = signed_in(dan)
    shown = here.get(build.console_path).context["log"]
    assert b"".join(lines).decode().endswith("\n" + shown.text)
    assert len(shown.text) <= 64
    text, address = "", f"{build.console_path}/log?from=0"
    while address:
        part = here.get(address, headers=HTMX).context["log"]
        assert len(part.text) <= 64
        text, address = text + part.text, part.more
    assert text == b"".join(lines).decode()


def test_the_whole_log_is_a_file_of_text(build, dan, signed_in):
    append(build.pk, b"<script>alert(1)</script>\n")
    response = signed_in(dan).get(f"{build.console_path}/log")
    assert response.getvalue() == b"<script>alert(1)</script>\n"
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_where_the_log_goes_on_is_counted_in_bytes(build, dan, signed_in):
    append(build.pk, "grün\n".encode())
    (start,) = parse_qs(urlsplit(poll_address(signed_in(dan).get(build.console_path))).query)["from"]
    assert int(start) == len("grün\n".encode())


# Stopping and deleting one


def test_a_build_that_runs_are_of_stays(build, dan, signed_in):
    ending.finish(build.pk, JobStatus.SUCCEEDED)
    page = signed_in(dan).post(f"{build.console_path}/delete", follow=True).content.decode()
    assert "Choose another one first." in page
    assert Build.objects.exists()


def test_whoever_only_reads_deletes_none_and_whoever_may_build_does(build, actor, ben, give, signed_in):
    ending.finish(build.pk, JobStatus.FAILED)
    grant = give(actor, ben, "WRITE")
    here = signed_in(ben)
    assert here.post(f"{build.console_path}/delete").status_code == 403
    grant.delete()
    give(actor, ben, "BUILD")
    assert "will be gone" in here.get(f"{build.console_path}/delete").content.decode()
    assert here.post(f"{build.console_path}/delete")["Location"] == f"{actor.console_path}/builds"
    assert not Build.objects.exists()


def test_whoever_may_build_stops_a_build(build, actor, ben, give, signed_in):
    give(actor, ben, "BUILD")
    here = signed_in(ben)
    assert "stops where it is" in here.get(f"{build.console_path}/abort").content.decode()
    assert here.post(f"{build.console_path}/abort")["Location"] == build.console_path
    build.refresh_from_db()
    assert build.status == JobStatus.ABORTED
    page = here.get(build.console_path).content.decode()
    assert "Aborted" in page
    assert f"{build.console_path}/abort" not in page
    here.post(f"{build.console_path}/abort")
    build.refresh_from_db()
    assert build.status == JobStatus.ABORTED
