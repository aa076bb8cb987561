"""The JavaScript client, unchanged, with datasets and users; see javascript.py for what it needs."""

from tests.clients.javascript import needs_javascript, run_script


@needs_javascript
def test_datasets_and_users(cast, live_server, token_of):
    run_script("datasets.mjs", live_server.url, ada=token_of(cast["ada"]), cleo=token_of(cast["cleo"]))
