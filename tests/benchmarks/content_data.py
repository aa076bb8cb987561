"""The items of the content benchmark: always the same, and as varied as what a scraper finds."""

import json
import random
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

BATCH = 1000
FULL, QUICK = 100_000, 5_000
SYLLABLES = ("ka", "lo", "mi", "ren", "tu", "vas", "el", "dor", "shi", "qua", "ben", "ix", "om", "pra", "zu", "nel")

# What a developer would declare of such items: the types of all fields, and which of them are always there.
SCHEMA = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in ("url", "title", "sku", "seller", "category", "image", "description")},
        "price": {"type": "number", "minimum": 0},
        "currency": {"enum": ["EUR", "USD", "CZK"]},
        "inStock": {"type": "boolean"},
        "rating": {"type": ["number", "null"], "minimum": 1, "maximum": 5},
        "reviews": {"type": "integer", "minimum": 0},
        "scrapedAt": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT"},
    },
    "required": ["url", "title", "price", "currency"],
}


def items(count: int, seed: int = 7) -> Iterator[dict[str, Any]]:
    """Give products of a shop, about 1 KB each: words by Zipf's law, numbers, times, hexadecimal noise."""
    chance = random.Random(seed)
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))) for _ in range(3000)]
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))

    def text(least: int, most: int) -> str:
        return " ".join(chance.choices(words, cum_weights=weights, k=chance.randint(least, most)))

    sellers = [text(1, 2).title() for _ in range(200)]
    for _ in range(count):
        yield {
            "url": f"https://shop.example.com/p/{text(1, 1)}-{text(1, 1)}-{chance.randrange(10**7)}",
            "title": text(4, 9).title(),
            "sku": f"{chance.getrandbits(40):010x}",
            "price": round(chance.lognormvariate(3, 1), 2),
            "currency": chance.choice(["EUR", "USD", "CZK"]),
            "inStock": chance.random() < 0.8,
            "rating": None if chance.random() < 0.2 else round(chance.uniform(1, 5), 1),
            "reviews": int(chance.expovariate(0.02)),
            "seller": chance.choice(sellers),
            "category": chance.choice(words[:60]),
            "image": f"https://cdn.example.com/i/{chance.getrandbits(64):016x}.jpg",
            "scrapedAt": f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T08:{chance.randint(10, 59)}:00Z",
            "description": text(75, 135),
        }


def write(path: Path, count: int) -> None:
    """Write the items as they are pushed: a line for each batch, a JSON array."""
    found = items(count)
    with path.open("w") as file:
        for _ in range(0, count, BATCH):
            batch = list(islice(found, BATCH))
            file.write(json.dumps(batch, separators=(",", ":")) + "\n")
