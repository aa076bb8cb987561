"""The JavaScript client, unchanged, with key-value stores; see javascript.py for what it needs.

It sends streams without a length, so it talks to the real server.
"""

from tests.clients.javascript import needs_javascript, run_script
from tests.support.served import served


@needs_javascript
def test_key_value_stores(tmp_path):
    with served(tmp_path, ("ada", "cleo")) as server:
        run_script("key_value_stores.mjs", server.url, **server.tokens)
