"""The requests of the queue benchmark: the same for both sides."""

from typing import Any

FULL, QUICK = 5_000, 500
BATCH = 25


def url_of(number: int) -> str:
    """Return the URL of a request, which is its unique key too."""
    return f"https://shop.example.com/category-{number % 37}/product-{number * 7919 % 10_000_019}?page={number % 11}"


def user_data_of(number: int) -> dict[str, Any]:
    """Return what a crawler keeps with a request."""
    return {"label": "DETAIL", "depth": number % 5, "parent": url_of(number // 2), "note": "found in the menu " * 4}
