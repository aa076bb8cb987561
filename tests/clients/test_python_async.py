"""The asynchronous Python client, unchanged: the whole path once."""

import pytest
from apify_client.errors import ForbiddenError

from tests.clients.conftest import run_apart

ITEMS = [{"n": n} for n in range(25)]


def test_the_whole_path(cast, async_client_of):
    ada, ben = async_client_of(cast["ada"]), async_client_of()

    async def walk():
        made = await ada.datasets().get_or_create(name="prices")
        dataset = ada.dataset(made.id)
        await dataset.push_items(ITEMS)
        assert (await dataset.list_items(offset=3, limit=2)).items == ITEMS[3:5]
        assert [item async for item in dataset.iterate_items(chunk_size=10)] == ITEMS
        async with dataset.stream_items(item_format="jsonl") as response:
            assert len((await response.aread()).splitlines()) == 25
        assert (await dataset.get_statistics()).field_statistics["n"]["max"] == 24
        assert (await ben.dataset(made.id).list_items(limit=1)).items == ITEMS[:1]
        assert (await dataset.update(general_access="RESTRICTED")).general_access == "RESTRICTED"
        with pytest.raises(ForbiddenError):
            await ben.dataset(made.id).list_items(limit=1)
        assert [item.id async for item in ada.datasets().iterate()] == [made.id]
        await dataset.delete()
        assert await dataset.get() is None

    run_apart(walk())
