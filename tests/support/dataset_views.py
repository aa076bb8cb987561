"""A schema with views, and items that they are of."""

import json
from typing import Any, Final

SCHEMA: Final[dict[str, Any]] = {
    "actorSpecification": 1,
    "fields": {},
    "views": {
        "overview": {
            "title": "Overview",
            "transformation": {"fields": ["price", "name", "shop.city"], "flatten": ["shop"]},
            "display": {
                "component": "table",
                "properties": {
                    "price": {"label": "Price, €", "format": "number"},
                    "shop.city": {"label": "Town"},
                    "name": {"format": "text"},
                },
            },
        },
        "reviews": {
            "title": "Reviews <b>",
            "transformation": {"fields": ["name", "text"], "unwind": ["reviews"]},
            "display": {"component": "table", "properties": {"text": {"label": "name"}}},
        },
        "newest": {"transformation": {"limit": 2, "desc": True, "omit": ["shop", "reviews"]}, "display": {}},
        "all": {},
    },
}

ITEMS: Final[list[dict[str, Any]]] = [
    {"name": "bread", "price": 2.5, "shop": {"city": "Brno", "no": 1}, "reviews": [{"text": "a"}, {"text": "b"}]},
    {"name": "milk", "price": 1, "shop": {"city": "Plzen"}, "reviews": []},
    {"name": "salt", "price": 3, "reviews": [{"text": "c"}]},
]


def make_viewed(client: Any) -> str:
    """Make a dataset with the schema and the items by the API of `client`'s account; return its ID."""
    made = client.post("/v2/datasets", json.dumps({"schema": SCHEMA}), content_type="application/json")
    dataset_id: str = made.json()["data"]["id"]
    client.post(f"/v2/datasets/{dataset_id}/items", json.dumps(ITEMS), content_type="application/json")
    return dataset_id
