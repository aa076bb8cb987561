"""The JavaScript client, unchanged, with Actors, builds and the Store; see javascript.py for what it needs."""

from tests.clients.javascript import needs_javascript, run_script


@needs_javascript
def test_actors(cast, live_server, token_of, builder):
    run_script("actors.mjs", live_server.url, ada=token_of(cast["ada"]), cleo=token_of(cast["cleo"]))
