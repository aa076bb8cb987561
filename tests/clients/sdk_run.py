"""A run that uses the Apify SDK for Python: `sdk_run.py CALLED TASK NAMED TARGET`. It knows nothing of Latchkey.

It works with its own storages, with one that it names, and with the one that its input names; it calls the Actor
CALLED, tries to call the TASK, and at last turns into the Actor TARGET. It prints what it has seen as one JSON object.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from apify import Actor, Webhook
from apify_client.errors import ApifyApiError

CALLED, TASK, NAMED, TARGET = sys.argv[1:]
FOREVER = 60
NO_SLEEP = timedelta(0)


async def refused(call: Callable[[], Awaitable[Any]]) -> str:
    """Return the type of the error with which a call is refused, "" where it is not."""
    try:
        await call()
    except ApifyApiError as error:
        return str(error.type)
    return ""


async def main() -> None:
    """Do all of it as one run, and print what was seen."""
    async with Actor(exit_process=False):
        await Actor.push_data([{"n": 1}])
        await Actor.set_value("STATE", {"a": 1})
        mine = await Actor.open_dataset(name="mine")
        await mine.push_data([{"n": 2}])
        again = await Actor.open_dataset(id=mine.id)
        named = await Actor.open_dataset(id=NAMED)
        run_id = Actor.configuration.actor_run_id or ""
        await Actor.set_status_message("Going")
        await Actor.add_webhook(Webhook(event_types=["ACTOR.RUN.SUCCEEDED"], request_url="https://example.com/hook"))
        called = await Actor.start(CALLED, run_input={"b": 2})
        client = Actor.apify_client
        found = {
            "input": await Actor.get_input(),
            "level": Actor.configuration.model_dump().get("permission_level"),
            "state": await Actor.get_value("STATE"),
            "again": (await again.get_data()).items,
            "named": (await named.get_data()).items,
            "called": called.status,
            "charged": (await Actor.charge("page", count=2)).charged_count,
            "user": (await client.user().get()) is not None,
            "task": await refused(lambda: Actor.start_task(TASK)),
            "list": await refused(lambda: client.datasets().list()),
            "open": await refused(lambda: client.dataset(mine.id).update(general_access="ANYONE_WITH_ID_CAN_READ")),
        }
        await client.run(run_id).reboot()
        await Actor.metamorph(TARGET, {"c": 3}, custom_after_sleep=NO_SLEEP)
    print(json.dumps(found, default=str))


asyncio.run(asyncio.wait_for(main(), FOREVER))
