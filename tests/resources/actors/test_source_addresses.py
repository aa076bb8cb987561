"""The address of a source holds secrets: readers of an Actor see no part of them, on any page and in any answer."""

import re

import pytest

from resources.actors import editing, versions
from resources.actors.versions import VersionChange
from resources.builds import starting
from resources.logs.reading import read_text
from resources.models import Actor, Build, SourceType
from resources.worker import execute_build

pytestmark = pytest.mark.django_db
ADDRESS = "https://me-4dq:pass-4dq@example.invalid/a.zip?X-Amz-Signature=sign-4dq&access_token=token-4dq&n=a%2F4dq@x/#"


@pytest.fixture(params=["GIT_REPO", "TARBALL", "GITHUB_GIST"])
def actor(request, dan) -> Actor:
    """Make a public Actor whose source is at an address full of secrets, with a build that fails to fetch it."""
    by = dan.principal
    actor = editing.create(dan.pk, "fetched", by=by)
    address = ADDRESS + ("main:sub" if request.param == "GIT_REPO" else "access_token=fragment-4dq")
    versions.add(actor, "0.1", VersionChange(source_type=SourceType(request.param), source_url=address), by=by)
    Actor.objects.filter(pk=actor.pk).update(is_public=True)
    build = starting.start(actor, "0.1", by=by)
    execute_build.execute(build.pk)
    return Actor.objects.get(pk=actor.pk)


def pages_from(client, path: str) -> dict[str, str]:
    """Return what all pages show that lead on from one to the next, below /actors and /store."""
    seen: dict[str, str] = {}
    waiting = [path]
    while waiting and len(seen) < 200:
        path = waiting.pop()
        if path in seen:
            continue
        response = client.get(path)
        body = b"".join(response.streaming_content) if response.streaming else response.content
        seen[path] = body.decode() + str(response.headers)
        found = re.findall(r'(?:href|hx-get|src)="(/(?:actors|store)[^"#]*)', seen[path])
        waiting += [each.replace("&amp;", "&") for each in found]
    return seen


def test_no_page_shows_readers_a_secret_of_the_address(actor, cleo, signed_in):
    build_id = Build.objects.get(actor_id=actor.pk).pk
    pages = pages_from(signed_in(cleo), actor.console_path)
    assert any("https://example.invalid/a.zip" in text for text in pages.values())
    assert any(build_id in path for path in pages)
    assert [path for path, text in pages.items() if "4dq" in text] == []


def test_no_answer_of_the_api_shows_readers_a_secret_of_the_address(actor, api, cleo):
    build_id = Build.objects.get(actor_id=actor.pk).pk
    paths = [
        f"/v2/actors/{actor.pk}{rest}" for rest in ("", "/versions", "/versions/0.1", "/builds", f"/builds/{build_id}")
    ]
    paths += [f"/v2/acts/dan~fetched/builds/{build_id}", f"/v2/actor-builds/{build_id}", "/v2/store"]
    paths += [f"/v2/actor-builds/{build_id}/{rest}" for rest in ("log", "openapi.json")] + [f"/v2/logs/{build_id}"]
    for client in (api(), api(cleo)):
        for path in paths:
            response = client.get(path)
            body = b"".join(response.streaming_content) if response.streaming else response.content
            assert "4dq" not in body.decode() + str(response.headers), path


def test_the_log_shows_nobody_a_secret_of_the_address(actor):
    log = read_text(Build.objects.get(actor_id=actor.pk).pk)
    assert "example.invalid/a.zip" in log
    assert "4dq" not in log


def test_who_may_write_sees_the_whole_address(actor, api, dan):
    assert "sign-4dq" in api(dan).get(f"/v2/actors/{actor.pk}/versions/0.1").content.decode()
