"""Samples of code for the API, with the addresses of this server, to be copied and run."""

import json
from dataclasses import dataclass

from django.conf import settings

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


def items_url(dataset: Resource) -> str:
    """Return the address of a dataset's items in the API."""
    return f"{settings.PUBLIC_URL}/v2/{dataset.info.api_path}/{dataset.pk}/items"


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


def read_items(dataset: Resource) -> list[Snippet]:
    """Return how to read a dataset's items."""
    base = json.dumps(api_base())
    return [
        Snippet(
            "curl", "curl", f'curl "{items_url(dataset)}?limit=10" \\\n  -H "Authorization: Bearer YOUR_API_TOKEN"\n'
        ),
        Snippet(
            "python",
            "Python",
            "# pip install apify-client\n"
            "from apify_client import ApifyClient\n\n"
            f'client = ApifyClient("YOUR_API_TOKEN", api_url={base})\n'
            f'for item in client.dataset("{dataset.pk}").iterate_items():\n'
            "    print(item)\n",
        ),
        Snippet(
            "javascript",
            "JavaScript",
            "// npm install apify-client\n"
            "import { ApifyClient } from 'apify-client';\n\n"
            f"const client = new ApifyClient({{ token: 'YOUR_API_TOKEN', baseUrl: {base} }});\n"
            f"const {{ items }} = await client.dataset('{dataset.pk}').listItems({{ limit: 10 }});\n"
            "console.log(items);\n",
        ),
    ]
