"""The JavaScript client, unchanged, with request queues; see javascript.py for what it needs."""

from tests.clients.javascript import needs_javascript, run_script


@needs_javascript
def test_request_queues(cast, live_server, token_of):
    run_script("request_queues.mjs", live_server.url, ada=token_of(cast["ada"]), cleo=token_of(cast["cleo"]))
