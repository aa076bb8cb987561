"""Every public method of the JavaScript client, unchanged; see javascript.py for what it needs."""

from tests.clients.javascript import needs_javascript, run_script
from tests.support.counting_actor import counting_or_holding
from tests.support.paid_actor import paid_actor
from tests.support.run_stage import worker


@needs_javascript
def test_every_method(cast, live_server, token_of, builder):
    paid_actor(cast["ben"], {"page": 0.1}, name="counter")
    tokens = {name: token_of(cast[name]) for name in ("ada", "cleo")}
    with worker(counting_or_holding):
        run_script("every_method.mjs", live_server.url, **tokens, last="completeness")
