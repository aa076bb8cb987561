"""The JavaScript client, unchanged, with runs and logs; see javascript.py for what it needs."""

from tests.clients.javascript import needs_javascript, run_script
from tests.support.counting_actor import counting_or_holding
from tests.support.paid_actor import paid_actor
from tests.support.run_stage import worker


@needs_javascript
def test_runs(cast, live_server, token_of):
    cast["ada"].general_access = "RESTRICTED"
    cast["ada"].save()
    paid_actor(cast["ben"], {"page": 0.1}, name="counter")
    prices = {"page": 0.25, "apify-actor-start": 0.01, "apify-default-dataset-item": 0.1}
    paid_actor(cast["ben"], prices, name="paid")
    with worker(counting_or_holding):
        run_script("runs.mjs", live_server.url, ada=token_of(cast["ada"]), cleo=token_of(cast["cleo"]))
