"""Every public method of the JavaScript client, unchanged; see javascript.py for what it needs."""

from tests.clients.javascript import needs_javascript, run_script
from tests.support.counting_actor import counting_or_holding
from tests.support.factories import built_actor
from tests.support.run_stage import worker


@needs_javascript
def test_every_method(cast, live_server, token_of, builder):
    built_actor(cast["ben"], is_public=True)
    tokens = {name: token_of(cast[name]) for name in ("ada", "cleo")}
    with worker(counting_or_holding):
        run_script("every_method.mjs", live_server.url, **tokens, last="completeness")
