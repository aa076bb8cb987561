"""The Python client, unchanged, with datasets: everything that its methods for them do."""

import json
from typing import Any

import pytest
from apify_client import ApifyClient
from apify_client.errors import (
    ApifyApiError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    UnauthorizedError,
)

from resources.kinds import Kind

ITEMS: list[Any] = [{"n": n, "name": f"Nº {n}", "#hidden": n, "nested": {"a": [n]}} for n in range(25)]


@pytest.fixture
def ada_client(cast, client_of):
    return client_of(cast["ada"])


@pytest.fixture
def prices(ada_client):
    made = ada_client.datasets().get_or_create(name="prices")
    ada_client.dataset(made.id).push_items(ITEMS)
    return made


def test_get_or_create(ada_client, cast, settings):
    made = ada_client.datasets().get_or_create(name="prices")
    assert (made.name, made.user_id, made.item_count) == ("prices", cast["ada"].pk, 0)
    assert str(made.console_url) == f"{settings.PUBLIC_URL}/storage/datasets/{made.id}"
    assert ada_client.datasets().get_or_create(name="prices").id == made.id
    schema = {"actorSpecification": 1, "views": {"overview": {"title": "All"}}}
    assert ada_client.datasets().get_or_create(name="costs", schema=schema).schema_ == schema
    unnamed = ada_client.datasets().get_or_create()
    assert unnamed.name is None
    assert unnamed.id != made.id


def test_push_what_the_client_can_push(ada_client, prices):
    dataset = ada_client.dataset(prices.id)
    dataset.push_items({"one": 1})
    dataset.push_items(json.dumps([{"text": "ready"}]))
    dataset.push_items([{"large": "x" * 5000} for _ in range(100)])  # compressed on the way
    page = dataset.list_items(offset=25)
    assert page.total == 127
    assert page.items[:2] == [{"one": 1}, {"text": "ready"}]


@pytest.mark.parametrize("compression", ["gzip", "brotli"])
def test_push_compressed(cast, options, token_of, compression):
    client = ApifyClient(token_of(cast["ada"]), **options, compression=compression)
    dataset = client.dataset(client.datasets().get_or_create().id)
    items: list[Any] = [{"text": "ab" * 3000, "n": n} for n in range(10)]
    dataset.push_items(items)
    assert dataset.list_items().items == items


def test_pages(ada_client, prices):
    dataset = ada_client.dataset(prices.id)
    page = dataset.list_items(offset=5, limit=3)
    assert page.items == ITEMS[5:8]
    assert (page.total, page.offset, page.limit, page.count, page.desc) == (25, 5, 3, 3, False)
    page = dataset.list_items(desc=True, limit=2)
    assert (page.items, page.desc) == (ITEMS[:22:-1], True)
    whole = dataset.list_items()
    assert (whole.items, whole.limit) == (ITEMS, 999_999_999_999)
    assert dataset.list_items(limit=0).items == ITEMS
    assert dataset.list_items(offset=100).items == []


def test_iterate(ada_client, prices):
    dataset = ada_client.dataset(prices.id)
    assert list(dataset.iterate_items()) == ITEMS
    assert list(dataset.iterate_items(chunk_size=4)) == ITEMS
    assert list(dataset.iterate_items(chunk_size=4, offset=3, limit=9)) == ITEMS[3:12]
    assert list(dataset.iterate_items(chunk_size=7, desc=True)) == ITEMS[::-1]


def test_transformed_items(ada_client, prices):
    dataset = ada_client.dataset(prices.id)
    assert dataset.list_items(fields=["name", "n"], limit=1).items == [{"name": "Nº 0", "n": 0}]
    assert dataset.list_items(omit=["name", "nested"], limit=1).items == [{"n": 0, "#hidden": 0}]
    assert dataset.list_items(clean=True, omit=["nested"], limit=1).items == [{"n": 0, "name": "Nº 0"}]
    assert dataset.list_items(skip_hidden=True, skip_empty=True, fields=["n"], limit=1).items == [{"n": 0}]
    assert dataset.list_items(flatten=["nested"], fields=["nested.a.0"], limit=1).total == 25
    assert dataset.list_items(unwind=["nested"], fields=["n", "a"], limit=1).items == [{"n": 0, "a": [0]}]


def test_bytes_and_streams(ada_client, prices):
    dataset = ada_client.dataset(prices.id)
    assert json.loads(dataset.get_items_as_bytes()) == ITEMS
    lines = dataset.get_items_as_bytes(item_format="jsonl", limit=2).splitlines()
    assert [json.loads(line) for line in lines] == ITEMS[:2]
    table = dataset.get_items_as_bytes(item_format="csv", bom=False, delimiter=";", fields=["n", "name"], limit=1)
    assert table.decode().replace('"', "").split() == ["n;name", "0;Nº", "0"]
    assert dataset.get_items_as_bytes(item_format="csv", skip_header_row=True, limit=1).startswith(b"\xef\xbb\xbf")
    with dataset.stream_items(item_format="json", attachment=True) as response:
        assert response.headers["content-disposition"] == 'attachment; filename="prices.json"'
        assert json.loads(response.read()) == ITEMS


def test_get_and_statistics(ada_client, prices):
    dataset = ada_client.dataset(prices.id).get()
    assert (dataset.item_count, dataset.name, dataset.general_access) == (25, "prices", "FOLLOW_USER_SETTING")
    assert dataset.stats.write_count > 0
    assert dataset.stats.storage_bytes > 0
    assert dataset.fields == ["n", "name", "#hidden", "nested"]
    assert dataset.created_at <= dataset.modified_at
    assert ada_client.dataset("ada/prices").get().id == prices.id
    assert ada_client.dataset("~prices").get().id == prices.id
    fields = ada_client.dataset(prices.id).get_statistics().field_statistics
    assert (fields["n"]["min"], fields["n"]["max"]) == (0, 24)


def test_update(ada_client, prices):
    dataset = ada_client.dataset(prices.id)
    changed = dataset.update(name="costs", title="Costs", general_access="RESTRICTED")
    assert (changed.name, changed.general_access) == ("costs", "RESTRICTED")
    assert ada_client.dataset("ada/costs").get().id == prices.id
    assert ada_client.dataset("ada/prices").get() is None


def test_update_that_fails(ada_client, prices):
    other = ada_client.datasets().get_or_create(name="costs")
    with pytest.raises(ConflictError):
        ada_client.dataset(other.id).update(name="prices")
    with pytest.raises(InvalidRequestError, match="generalAccess"):
        ada_client.dataset(other.id).update(name="better", general_access="PUBLIC")
    assert ada_client.dataset(other.id).get().name == "costs"


def test_list(ada_client, prices, cast, make_resource):
    unnamed = ada_client.datasets().get_or_create()
    make_resource(Kind.DATASET, cast["ben"], name="of-ben")
    page = ada_client.datasets().list()
    assert (page.total, page.count, page.offset, page.limit, page.desc) == (1, 1, 0, 1000, False)
    item = page.items[0]
    assert (item.id, item.name, item.username, item.item_count) == (prices.id, "prices", "ada", 25)
    assert item.stats.inflated_bytes > 0
    newest_first = ada_client.datasets().list(unnamed=True, desc=True).items
    assert [item.id for item in newest_first] == [unnamed.id, prices.id]
    assert ada_client.datasets().list(ownership="sharedWithMe").items == []
    assert [item.id for item in ada_client.datasets().list(ownership="ownedByMe", limit=5).items] == [prices.id]


def test_iterate_the_list(ada_client):
    ids = [ada_client.datasets().get_or_create(name=f"d{number}").id for number in range(7)]
    assert [item.id for item in ada_client.datasets().iterate()] == ids
    assert [item.id for item in ada_client.datasets().iterate(limit=3, offset=2, desc=True)] == ids[4:1:-1]


def test_delete(ada_client, prices):
    ada_client.dataset(prices.id).delete()
    assert ada_client.dataset(prices.id).get() is None
    ada_client.dataset(prices.id).delete()  # once more is fine with the client
    with pytest.raises(NotFoundError):
        ada_client.dataset(prices.id).push_items([{}])
    with pytest.raises(NotFoundError):
        ada_client.dataset(prices.id).get_statistics()


@pytest.mark.parametrize("level", ["RESTRICTED", "ANYONE_WITH_ID_CAN_READ", "ANYONE_WITH_NAME_CAN_READ"])
def test_sharing_by_the_level(ada_client, prices, cast, client_of, level):
    ada_client.dataset(prices.id).update(general_access=level)
    for other in (client_of(cast["cleo"]), client_of()):
        if level == "RESTRICTED":
            for read in (other.dataset(prices.id).get, other.dataset(prices.id).list_items):
                with pytest.raises(ForbiddenError) as caught:
                    read()
                assert caught.value.type == "insufficient-permissions"
                assert "Insufficient permissions for the dataset. Make sure" in str(caught.value)
        else:
            assert other.dataset(prices.id).get().id == prices.id
            assert other.dataset(prices.id).list_items(limit=2).items == ITEMS[:2]
        if level == "ANYONE_WITH_NAME_CAN_READ":
            assert list(other.dataset("ada/prices").iterate_items()) == ITEMS
        else:
            assert other.dataset("ada/prices").get() is None
            with pytest.raises(NotFoundError):
                other.dataset("ada/prices").list_items()


def test_the_account_setting_holds_where_it_is_followed(ada_client, prices, cast, client_of):
    assert client_of().dataset(prices.id).list_items(limit=1).items == ITEMS[:1]
    type(cast["ada"]).objects.filter(pk=cast["ada"].pk).update(general_access="RESTRICTED")
    with pytest.raises(ForbiddenError):
        client_of().dataset(prices.id).list_items(limit=1)
    assert ada_client.dataset(prices.id).list_items(limit=1).items == ITEMS[:1]


def test_errors_of_those_who_may_not(prices, cast, client_of):
    nobody, cleo = client_of().dataset(prices.id), client_of(cast["cleo"]).dataset(prices.id)
    calls: list[tuple[str, list[Any]]] = [("push_items", [[{}]]), ("update", []), ("delete", [])]
    for method, arguments in calls:
        with pytest.raises(UnauthorizedError) as unauthorized:
            getattr(nobody, method)(*arguments)
        assert unauthorized.value.type == "token-not-provided"
        with pytest.raises(ForbiddenError) as forbidden:
            getattr(cleo, method)(*arguments)
        assert forbidden.value.type == "insufficient-permissions"
        assert "Missing permission: WRITE" in str(forbidden.value)
    with pytest.raises(UnauthorizedError):
        client_of().datasets().list()
    with pytest.raises(UnauthorizedError):
        client_of().datasets().get_or_create(name="mine")


def test_a_token_that_is_revoked(prices, options):
    client = ApifyClient("latchkey_api_" + "x" * 36, **options)
    with pytest.raises(UnauthorizedError) as caught:
        client.dataset(prices.id).get()
    assert caught.value.type == "user-or-token-not-found"


def test_what_cannot_be_pushed(ada_client, prices):
    for wrong in ([1], "[", '"text"'):
        with pytest.raises(InvalidRequestError):
            ada_client.dataset(prices.id).push_items(wrong)
    with pytest.raises(ApifyApiError) as caught:
        ada_client.dataset(prices.id).push_items({"x": "y" * 10_000_000})
    assert (caught.value.status_code, caught.value.type) == (413, "request-too-large")
    assert ada_client.dataset(prices.id).get().item_count == 25
