"""Samples of code for the API, with the addresses of this server, to be copied and run."""

import json
from dataclasses import dataclass

from django.conf import settings

from resources.kinds import Kind
from resources.models import Resource


@dataclass(frozen=True, slots=True)
class Snippet:
    """One sample: `key` is its anchor on the page."""

    key: str
    label: str
    code: str


def api_base() -> str:
    """Return the address that an API client is given; the clients add the version themselves."""
    return settings.PUBLIC_URL


def content_url(storage: Resource) -> str:
    """Return the address of a storage's content in the API: its items, its keys or its requests."""
    path = _CALLS[Kind(storage.kind)].path
    return f"{storage.api_url}/{path}"


def push_first_items() -> list[Snippet]:
    """Return how to push the first items with the official clients."""
    base = json.dumps(api_base())
    return [
        Snippet(
            "python",
            "Python",
            "# pip install apify-client\n"
            "from apify_client import ApifyClient\n\n"
            f'client = ApifyClient("YOUR_API_TOKEN", api_url={base})\n'
            'dataset = client.datasets().get_or_create(name="prices")\n'
            'client.dataset(dataset.id).push_items([{"item": "bread", "price": 2.4}])\n',
        ),
        Snippet(
            "javascript",
            "JavaScript",
            "// npm install apify-client\n"
            "import { ApifyClient } from 'apify-client';\n\n"
            f"const client = new ApifyClient({{ token: 'YOUR_API_TOKEN', baseUrl: {base} }});\n"
            "const dataset = await client.datasets().getOrCreate('prices');\n"
            "await client.dataset(dataset.id).pushItems([{ item: 'bread', price: 2.4 }]);\n",
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Calls:
    """How the content of a kind of storage is read: below its address, and with the official clients.

    In the clients' calls `{id}` stands for the storage's ID.
    """

    path: str
    python: str
    javascript: str


_CALLS = {
    Kind.DATASET: _Calls(
        "items",
        'for item in client.dataset("{id}").iterate_items():\n    print(item)\n',
        "const {{ items }} = await client.dataset('{id}').listItems({{ limit: 10 }});\nconsole.log(items);\n",
    ),
    Kind.KEY_VALUE_STORE: _Calls(
        "keys",
        'store = client.key_value_store("{id}")\n'
        'store.set_record("greeting", {{"hello": "world"}})\n'
        'print(store.get_record("greeting"))\n',
        "const store = client.keyValueStore('{id}');\n"
        "await store.setRecord({{ key: 'greeting', value: {{ hello: 'world' }} }});\n"
        "console.log(await store.getRecord('greeting'));\n",
    ),
    Kind.REQUEST_QUEUE: _Calls(
        "requests",
        'queue = client.request_queue("{id}")\n'
        'queue.add_request({{"url": "https://example.com/", "uniqueKey": "https://example.com/"}})\n'
        "print(queue.list_head(limit=10))\n",
        "const queue = client.requestQueue('{id}');\n"
        "await queue.addRequest({{ url: 'https://example.com/', uniqueKey: 'https://example.com/' }});\n"
        "console.log(await queue.listHead({{ limit: 10 }}));\n",
    ),
}


def read_content(storage: Resource) -> list[Snippet]:
    """Return how to reach a storage's content: with curl, and with the official clients."""
    base, calls = json.dumps(api_base()), _CALLS[Kind(storage.kind)]
    return [
        Snippet(
            "curl", "curl", f'curl "{content_url(storage)}?limit=10" \\\n  -H "Authorization: Bearer YOUR_API_TOKEN"\n'
        ),
        Snippet(
            "python",
            "Python",
            "# pip install apify-client\n"
            "from apify_client import ApifyClient\n\n"
            f'client = ApifyClient("YOUR_API_TOKEN", api_url={base})\n' + calls.python.format(id=storage.pk),
        ),
        Snippet(
            "javascript",
            "JavaScript",
            "// npm install apify-client\n"
            "import { ApifyClient } from 'apify-client';\n\n"
            f"const client = new ApifyClient({{ token: 'YOUR_API_TOKEN', baseUrl: {base} }});\n"
            + calls.javascript.format(id=storage.pk),
        ),
    ]
