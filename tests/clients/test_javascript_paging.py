"""The JavaScript client, unchanged, going through items that are filtered on the way; see paging.mjs."""

import json
from typing import Any

from tests.clients.filtered_items import FILTERED, WAYS, Filtered
from tests.clients.javascript import needs_javascript, run_script

# Parameters that the client checks and does not know go with every call.
UNKNOWN = ("skipFailedPages", "simplified")


def told_of(filtered: Filtered, dataset_id: str) -> dict[str, Any]:
    """Return what the script has to know of a case."""
    unknown = {name: value for name, value in filtered.parameters.items() if name in UNKNOWN}
    return {
        "name": filtered.name,
        "id": dataset_id,
        "keepsCount": filtered.keeps_count,
        "options": {name: value for name, value in filtered.parameters.items() if name not in UNKNOWN},
        "parameters": unknown,
        "ways": [
            {
                "chunkSize": size,
                "offset": offset,
                "limit": limit,
                "desc": desc,
                "expected": filtered.expected(offset, limit, desc=desc),
            }
            for size, (offset, limit), desc in (*WAYS[::2], *WAYS[1::6])
        ],
    }


@needs_javascript
def test_the_iterator(cast, client_of, live_server, token_of):
    client = client_of(cast["ada"])
    told = []
    for filtered in FILTERED:
        made = client.datasets().get_or_create()
        client.dataset(made.id).push_items(filtered.items)
        told.append(told_of(filtered, made.id))
    run_script("paging.mjs", live_server.url, ada=token_of(cast["ada"]), told=json.dumps(told), last="done")
