"""An Actor made with the Apify SDK for Python, unchanged, run by the worker against the API."""

import json

import pytest

from resources.jobs import JobStatus
from resources.logs.reading import text_of
from resources.models import Dataset, Record, Run
from resources.records.reading import open_record
from resources.work import running
from tests.work_stage import started

ACTOR = """
import asyncio
from apify import Actor

async def main() -> None:
    async with Actor:
        given = await Actor.get_input()
        Actor.log.info('Asked for %s', given['count'])
        await Actor.push_data([{'n': number} for number in range(given['count'])])
        await Actor.set_value('OUTPUT', {'count': given['count']})
        await Actor.set_status_message('All counted', is_terminal=True)

if __name__ == '__main__':
    asyncio.run(main())
"""
FILES = {"src/__main__.py": ACTOR, "src/__init__.py": "", ".actor/actor.json": '{"actorSpecification": 1, "name": "x"}'}


@pytest.fixture
def api_here(transactional_db, live_server, settings) -> None:
    """Let the API be where a run is told that it is."""
    settings.PUBLIC_URL = live_server.url


def test_an_actor_of_the_sdk_runs_to_its_end(api_here, ada):
    run = started(ada, FILES, input=b'{"count": 30}', memory_mbytes=512)
    running.execute(run.pk)
    run = Run.objects.get(pk=run.pk)
    log = text_of(run.pk)
    assert (run.status, run.exit_code) == (JobStatus.SUCCEEDED, 0), log
    assert "Asked for 30" in log
    assert Dataset.objects.get(run_id=run.pk).item_count == 30
    output = Record.objects.get(store__run_id=run.pk, key="OUTPUT")
    with open_record(output) as file:
        assert json.load(file) == {"count": 30}
    assert (run.status_message, run.is_status_message_terminal) == ("All counted", True)
