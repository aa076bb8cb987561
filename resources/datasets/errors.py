"""What can be wrong with the content of a dataset."""

from typing import Any


class InvalidItems(ValueError):
    """What was pushed is no JSON object and no array of them; the message says where."""


class ItemsBreakSchema(InvalidItems):
    """Items that the dataset's schema does not allow.

    `invalid_items` names the first of them, as the API does: dicts with `itemPosition`, from 0, and `validationErrors`.
    """

    def __init__(self, invalid_items: list[dict[str, Any]]) -> None:
        first = invalid_items[0]
        problem = first["validationErrors"][0]
        super().__init__(
            f"Schema validation failed: the item at position {first['itemPosition']} {problem['message']}"
            f" ({problem['instancePath']})."
        )
        self.invalid_items = invalid_items


class SchemaTakesTooMuch(InvalidItems):
    """To check items by the dataset's schema takes more time or memory than there is for it."""

    def __init__(self) -> None:
        super().__init__(
            "To check these items by the schema of the dataset takes too much time or memory. "
            "Push fewer items at once, or make the schema simpler."
        )


class DatasetGone(LookupError):
    """The dataset does not exist, or was deleted in the meantime."""
