"""An Actor made with the Apify SDK for Python, unchanged, run by the worker against the API."""

import hashlib
import json
import threading
import time

import pytest

from resources.jobs.status import JobStatus
from resources.logs.reading import read_text
from resources.models import Actor, Dataset, Record, Run
from resources.records.reading import open_record
from resources.worker import execute_run, worker_identity
from resources.worker.dispatch import Dispatcher
from resources.worker.places import Places
from tests.support.secret_stage import GIVEN, SCHEMA, read_by, secret_actor, shows_no_secret, stored
from tests.support.work_stage import started

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
    execute_run.execute(run.pk)
    run = Run.objects.get(pk=run.pk)
    log = read_text(run.pk)
    assert (run.status, run.exit_code) == (JobStatus.SUCCEEDED, 0), log
    assert "Asked for 30" in log
    assert Dataset.objects.get(run_id=run.pk).item_count == 30
    output = Record.objects.get(store__run_id=run.pk, key="OUTPUT")
    with open_record(output) as file:
        assert json.load(file) == {"count": 30}
    assert (run.status_message, run.is_status_message_terminal) == ("All counted", True)


CHARGES = """
import asyncio
from apify import Actor

async def main() -> None:
    async with Actor:
        await Actor.charge('page', count=3)
        limited = await Actor.charge('page', count=100)
        await Actor.set_value('OUTPUT', {'charged': limited.charged_count})

asyncio.run(main())
"""


def test_an_actor_of_the_sdk_charges_for_its_events_up_to_the_limit(api_here, ada):
    run = started(ada, {"main.py": CHARGES}, memory_mbytes=512, max_total_charge_usd=1.05)
    event = {"eventTitle": "Page", "eventDescription": "A page", "eventPriceUsd": 0.1}
    pricing = {
        "pricingModel": "PAY_PER_EVENT",
        "apifyMarginPercentage": 0.2,
        "createdAt": "2021-01-01T00:00:00.000Z",
        "startedAt": "2021-01-01T00:00:00.000Z",
        "pricingPerEvent": {"actorChargeEvents": {"page": event}},
    }
    Actor.objects.filter(pk=run.actor_id).update(details=json.dumps({"pricingInfos": [pricing]}))
    execute_run.execute(run.pk)
    run = Run.objects.get(pk=run.pk)
    assert run.status == JobStatus.SUCCEEDED, read_text(run.pk)
    assert run.charged_events == {"page": 10}
    with open_record(Record.objects.get(store__run_id=run.pk, key="OUTPUT")) as file:
        assert json.load(file) == {"charged": 7}


SECRETS = """
import asyncio
import hashlib
import json
from apify import Actor

async def main() -> None:
    async with Actor:
        given = await Actor.get_input()
        print('The password is', given['password'])
        print('The cookie is', given['cookies'][0]['value'])
        text = json.dumps([given['password'], given['cookies'], given['url']])
        await Actor.set_value('OUTPUT', hashlib.sha256(text.encode()).hexdigest(), content_type='text/plain')
        await Actor.set_status_message(f"Signed in with {given['password']}", is_terminal=True)

asyncio.run(main())
"""


def test_an_actor_of_the_sdk_reads_its_secret_fields_and_its_log_and_status_hide_them(api_here, ada):
    run = started(
        ada,
        {"main.py": SECRETS, ".actor/input_schema.json": json.dumps(SCHEMA)},
        input=json.dumps(GIVEN).encode(),
        memory_mbytes=512,
    )
    assert shows_no_secret(stored(run))
    execute_run.execute(run.pk)
    run = Run.objects.get(pk=run.pk)
    log = read_text(run.pk)
    assert run.status == JobStatus.SUCCEEDED, log
    read = json.dumps([GIVEN["password"], GIVEN["cookies"], GIVEN["url"]])
    with open_record(Record.objects.get(store__run_id=run.pk, key="OUTPUT")) as file:
        assert file.read().decode() == hashlib.sha256(read.encode()).hexdigest()
    assert "The password is ********" in log
    assert "The cookie is ********" in log
    assert shows_no_secret(log)
    assert run.status_message == "Signed in with ********"


CALLS = """
import asyncio
from apify import Actor

async def main() -> None:
    async with Actor:
        given = await Actor.get_input()
        await Actor.start(given.pop('target'), run_input=given, memory_mbytes=128)

asyncio.run(main())
"""


def test_what_a_run_gives_another_actor_is_encrypted_for_that_one(api_here, ada):
    target = secret_actor(ada)
    run = started(ada, {"main.py": CALLS}, input=json.dumps({**GIVEN, "target": target.pk}).encode(), memory_mbytes=512)
    execute_run.execute(run.pk)
    assert Run.objects.get(pk=run.pk).status == JobStatus.SUCCEEDED, read_text(run.pk)
    called = Run.objects.get(actor_id=target.pk)
    assert shows_no_secret(stored(called))
    assert read_by(called) == GIVEN


CALLS_ITSELF = """
import asyncio
from apify import Actor

async def main() -> None:
    async with Actor:
        given = await Actor.get_input()
        if given['depth']:
            run = await Actor.call(Actor.configuration.actor_id, run_input={'depth': given['depth'] - 1})
            assert run.status == 'SUCCEEDED', run

asyncio.run(main())
"""


def test_actors_that_call_actors_five_deep_end_with_two_places(api_here, ada):
    run = started(ada, {"main.py": CALLS_ITSELF}, input=b'{"depth": 5}', memory_mbytes=256)
    Actor.objects.update(default_memory_mbytes=256)
    dispatcher = Dispatcher(Places(2, 16))
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    try:
        until = time.monotonic() + 300
        while not (status := Run.objects.get(pk=run.pk)).is_finished and time.monotonic() < until:
            worker_identity.stopping.wait(0.2)
    finally:
        worker_identity.stopping.set()
        dispatcher.wake()
        thread.join()
        worker_identity.stopping.clear()
    assert status.status == JobStatus.SUCCEEDED, read_text(run.pk)
    assert Run.objects.filter(status=JobStatus.SUCCEEDED).count() == 6


REBOOTS = """
import asyncio
from apify import Actor

async def main() -> None:
    async with Actor:
        dataset = await Actor.open_dataset(alias='found')
        await dataset.push_data({'n': 1})
        if await Actor.get_value('been') is None:
            await Actor.set_value('been', True)
            await Actor.reboot()
        await Actor.set_value('OUTPUT', {'id': dataset.id, 'items': (await dataset.get_data()).items})

asyncio.run(main())
"""


def test_storages_that_the_sdk_knows_by_alias_survive_a_reboot(api_here, ada):
    run = started(ada, {"main.py": REBOOTS}, memory_mbytes=512)
    execute_run.execute(run.pk)
    run = Run.objects.get(pk=run.pk)
    assert (run.status, run.reboot_count) == (JobStatus.SUCCEEDED, 1), read_text(run.pk)
    with open_record(Record.objects.get(store__run_id=run.pk, key="OUTPUT")) as file:
        output = json.load(file)
    assert output["items"] == [{"n": 1}, {"n": 1}]
    assert Dataset.objects.exclude(run_id=run.pk).count() == 1


ALIASES = """
import asyncio
from apify import Actor
from apify_client.errors import ApifyApiError

async def main() -> None:
    async with Actor:
        shops = await Actor.open_dataset(alias='shops')
        await shops.push_data({'name': 'baker'})
        try:
            await shops.push_data({'no': 'name'})
        except ApifyApiError as error:
            await Actor.set_value('OUTPUT', {'id': shops.id, 'refused': error.type})

asyncio.run(main())
"""


def test_the_sdk_opens_the_storages_that_the_definition_declares_and_their_schemas_hold(api_here, ada):
    storages = {"datasets": {"default": {}, "shops": {"fields": {"required": ["name"]}}}}
    files = {"main.py": ALIASES, ".actor/actor.json": json.dumps({"actorSpecification": 1, "storages": storages})}
    run = started(ada, files, memory_mbytes=512)
    execute_run.execute(run.pk)
    assert Run.objects.get(pk=run.pk).status == JobStatus.SUCCEEDED, read_text(run.pk)
    shops = Dataset.objects.get(run_id=run.pk, alias="shops")
    assert shops.item_count == 1
    with open_record(Record.objects.get(store__run_id=run.pk, key="OUTPUT")) as file:
        assert json.load(file) == {"id": shops.pk, "refused": "schema-validation-error"}
    assert not Dataset.objects.filter(run_id=None).exists()
