"""The demo's Actors really run: they push real data, and one of them fails where an account is Restricted."""

import json

import pytest

from console.demo import loading, programs
from resources.jobs.status import JobStatus
from resources.logs.reading import read_text
from resources.models import Actor, Build, BuildContent, Dataset, Run
from resources.worker import execute_run


@pytest.fixture
def demo(transactional_db, live_server, settings) -> None:
    """The demo, on a server that is where its runs are told that it is."""
    settings.PUBLIC_URL = live_server.url
    loading.load(local=True)


def test_every_actor_of_the_demo_has_been_built(demo):
    for actor in Actor.objects.all():
        build = Build.objects.get(actor_id=actor.pk)
        assert build.status == JobStatus.SUCCEEDED
        content = BuildContent.objects.get(build=build)
        assert json.loads(content.definition)["name"] == actor.name
        assert content.readme.startswith("# ")
        assert len(programs.source_files(actor.name)) >= 3


def test_what_waits_for_a_worker_runs_as_it_should(demo):
    ends = {}
    waiting = list(Run.objects.filter(status=JobStatus.READY).select_related("owner", "actor"))
    for run in waiting:
        execute_run.execute(run.pk)
        run.refresh_from_db()
        ends[run.owner.username, run.actor.name] = run.status
    assert ends == {
        ("ada", "character-finder"): JobStatus.SUCCEEDED,
        ("ben", "character-finder"): JobStatus.SUCCEEDED,
        ("ada", "forgetful-counter"): JobStatus.SUCCEEDED,
        ("ben", "forgetful-counter"): JobStatus.FAILED,
        ("dan", "account-inventory"): JobStatus.SUCCEEDED,
    }, "\n".join(read_text(run.pk) for run in waiting)
    refused = read_text(next(run.pk for run in waiting if run.status == JobStatus.FAILED))
    assert "ACCESS: GET /v2/datasets/" in refused
    assert "The call had no API token" in refused
    assert "Restricted" in refused
    digits = Run.objects.get(owner__username="ben", status_message="Found 60 characters.")
    assert Dataset.objects.get(run_id=digits.pk).item_count == 60
