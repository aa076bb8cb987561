"""The Python client, unchanged, going through items that are filtered on the way: each comes once, in its order."""

from typing import Any

import pytest

from tests.clients.either import run_apart
from tests.clients.filtered_items import FILTERED, WAYS, Filtered

# Parameters that the client's methods have, by the names that it has for them; the others go with every call.
ARGUMENTS = {
    "clean": "clean",
    "fields": "fields",
    "omit": "omit",
    "skipEmpty": "skip_empty",
    "skipHidden": "skip_hidden",
    "unwind": "unwind",
}


def iterate(dataset: Any, filtered: Filtered, size: int, part: tuple[int, int | None], desc: bool) -> Any:
    known = {ARGUMENTS[name]: value for name, value in filtered.parameters.items() if name in ARGUMENTS}
    dataset._default_params = {name: value for name, value in filtered.parameters.items() if name not in ARGUMENTS}
    return dataset.iterate_items(offset=part[0], limit=part[1], desc=desc, chunk_size=size, **known)


@pytest.fixture
def pushed(cast, client_of):
    """Push the items of a case and return the ID of their dataset."""

    def push(filtered: Filtered) -> str:
        client = client_of(cast["ada"])
        made = client.datasets().get_or_create()
        client.dataset(made.id).push_items(filtered.items)
        return made.id

    return push


@pytest.mark.parametrize("filtered", FILTERED, ids=lambda each: each.name)
def test_the_synchronous_iterator(cast, client_of, pushed, filtered):
    dataset = client_of(cast["ada"]).dataset(pushed(filtered))
    for size, part, desc in WAYS:
        found = list(iterate(dataset, filtered, size, part, desc))
        assert found == filtered.expected(*part, desc=desc), (size, part, desc)


@pytest.mark.parametrize("filtered", FILTERED, ids=lambda each: each.name)
def test_the_asynchronous_iterator(cast, async_client_of, pushed, filtered):
    dataset = async_client_of(cast["ada"]).dataset(pushed(filtered))

    async def go_through() -> None:
        for size, part, desc in WAYS[::5]:
            found = [item async for item in iterate(dataset, filtered, size, part, desc)]
            assert found == filtered.expected(*part, desc=desc), (size, part, desc)

    run_apart(go_through())
