"""The Apify SDK for Python, unchanged, in runs with full and with limited permissions."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from resources.datasets.writing import push
from resources.kinds import Kind
from resources.models import Actor, Build, BuildContent, Dataset, Run, Webhook
from resources.permission_levels import LIMITED
from resources.worker.environment import run_environment
from sharing import run_starts
from tests.support.factories import built_actor
from tests.support.paid_actor import paid_actor
from tests.support.run_stage import at_work

ROOT = Path(__file__).parents[3]
SCHEMA = {"type": "object", "properties": {"source": {"type": "string", "resourceType": "dataset"}}}


def run_of(actor: Actor, ada, named: Dataset) -> Run:
    BuildContent.objects.create(build=Build.objects.get(actor_id=actor.pk), input_schema=json.dumps(SCHEMA))
    text = json.dumps({"source": "prices"}).encode()
    started = run_starts.start(actor, by=ada.principal, input=text, content_type="application/json")
    return at_work(started)


@pytest.mark.parametrize("level", [None, LIMITED])
def test_a_run_works_as_the_sdk_has_it(
    transactional_db, live_server, settings, ada, dan, make_resource, level, tmp_path
):
    settings.PUBLIC_URL = live_server.url
    named = make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")
    push(named.pk, b'[{"price": 5}]')
    actor = paid_actor(dan, {"page": 0.1}, name="counter", permission_level=level)
    run = run_of(actor, ada, named)
    called = built_actor(dan, name="called", is_public=True, permission_level=LIMITED)
    task = make_resource(Kind.TASK, ada, name="daily", actor_id=called.pk)
    arguments = [called.pk, task.pk, named.pk, called.pk]
    done = subprocess.run(
        [sys.executable, ROOT / "tests/clients/sdk_run.py", *arguments],
        cwd=tmp_path,
        env=run_environment(run, str(tmp_path), {"APIFY_LOG_LEVEL": "WARNING"}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    refused = "insufficient-permissions" if level else ""
    assert found.pop("list") == refused
    assert found.pop("open") == "insufficient-permissions-to-change-field"
    assert found.pop("task") == ("record-not-found" if level else "")
    assert found.pop("level", None) in (None, level or "FULL_PERMISSIONS")
    assert found == {
        "input": {"source": "prices"},
        "state": {"a": 1},
        "again": [{"n": 2}],
        "named": [{"price": 5}],
        "called": "READY",
        "charged": 2,
        "user": True,
    }
    run.refresh_from_db()
    assert (run.status_message, run.charged_events["page"]) == ("Going", 2)
    assert [each["actorId"] for each in run.metamorphs] == [called.pk]
    assert run.permission_level == LIMITED
    assert Webhook.objects.get().run_id == run.pk
    assert Dataset.objects.get(name="mine").created_by_actor == actor.pk
