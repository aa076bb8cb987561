"""The JavaScript client, unchanged, with tasks, schedules and webhooks; see javascript.py for what it needs."""

from tests.clients.javascript import needs_javascript, run_script
from tests.support.counting_actor import counting
from tests.support.factories import built_actor
from tests.support.run_stage import worker


@needs_javascript
def test_tasks_schedules_and_webhooks(cast, live_server, token_of):
    built_actor(cast["ben"], is_public=True)
    with worker(counting):
        run_script("tasks_and_schedules.mjs", live_server.url, ada=token_of(cast["ada"]), cleo=token_of(cast["cleo"]))
