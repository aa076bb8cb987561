"""Scopes as the database keeps them, where migrations change what they say."""

from typing import Any

Entry = dict[str, Any]


def with_create(scope: list[Entry]) -> list[Entry]:
    """Return a scope from before CREATE, with CREATE on each kind of which it let resources be created."""
    return [_add_create(entry) if _creates(entry) else entry for entry in scope]


def _creates(entry: Entry) -> bool:
    return "WRITE" in entry["permissions"] and entry.get("resourceId") is None


def _add_create(entry: Entry) -> Entry:
    return {**entry, "permissions": [*(each for each in entry["permissions"] if each != "CREATE"), "CREATE"]}
