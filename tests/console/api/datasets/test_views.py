"""Views of a dataset's schema by the API: refusals, then what each makes of the items, in every format."""

import csv
import io
import json
from urllib.parse import urlencode

import openpyxl
import pytest

from resources.datasets.formats.formats import FORMATS
from resources.models import Dataset
from tests.support.api import error_of, message_of
from tests.support.dataset_views import ITEMS, SCHEMA, make_viewed

pytestmark = pytest.mark.django_db


@pytest.fixture
def get(api, ada):
    """Get items of a dataset with views."""
    dataset_id = make_viewed(api(ada))
    return lambda **query: api(ada).get(f"/v2/datasets/{dataset_id}/items?{urlencode(query)}")


@pytest.mark.parametrize("format_", list(FORMATS))
@pytest.mark.parametrize("name", ["nothing", "Overview", "\x00", "x" * 5000])
def test_an_unknown_view_is_refused(get, format_, name):
    response = get(view=name, format=format_)
    assert error_of(response) == (400, "requested-dataset-view-does-not-exist")
    assert name[:100] in message_of(response)


def test_a_dataset_without_a_schema_has_no_view(api, ada):
    dataset_id = api(ada).post("/v2/datasets").json()["data"]["id"]
    response = api(ada).get(f"/v2/datasets/{dataset_id}/items?view=overview")
    assert error_of(response) == (400, "requested-dataset-view-does-not-exist")
    assert api(ada).get(f"/v2/datasets/{dataset_id}/items?view=").json() == []


@pytest.mark.parametrize(
    ("views", "where"),
    [
        ([], "$.views"),
        ({"a": 1}, "$.views"),
        ({"a": {"transformation": {"fields": "name"}}}, "transformation.fields"),
        ({"a": {"transformation": {"fields": [1]}}}, "transformation.fields"),
        ({"a": {"transformation": {"limit": -1}}}, "transformation.limit"),
        ({"a": {"display": {"properties": {"x": {"label": 1}}}}}, "display.properties"),
    ],
)
def test_views_that_are_none_are_refused_with_the_schema(api, ada, views, where):
    body = json.dumps({"schema": {**SCHEMA, "views": views}})
    response = api(ada).post("/v2/datasets", body, content_type="application/json")
    assert error_of(response) == (400, "dataset-schema-invalid")
    assert where in message_of(response)
    assert not Dataset.objects.exists()


def test_views_from_before_they_were_checked_are_none(api, ada):
    dataset_id = make_viewed(api(ada))
    Dataset.objects.update(schema=json.dumps({"views": {"overview": 1}}))
    assert error_of(api(ada).get(f"/v2/datasets/{dataset_id}/items?view=overview"))[0] == 400
    assert api(ada).get(f"/v2/datasets/{dataset_id}/items").json() == ITEMS


def test_a_view_says_what_the_request_does_not(get):
    overview = [
        {"price": 2.5, "name": "bread", "shop.city": "Brno"},
        {"price": 1, "name": "milk", "shop.city": "Plzen"},
        {"price": 3, "name": "salt"},
    ]
    assert get(view="overview").json() == overview
    assert list(get(view="overview").json()[0]) == ["price", "name", "shop.city"]
    assert get(view="overview", fields="shop").json()[0] == {"shop.city": "Brno", "shop.no": 1}
    assert get(view="overview", omit="price").json()[2] == {"name": "salt"}
    assert get(view="all").json() == ITEMS


def test_limit_and_order_of_a_view_and_of_the_request(get):
    assert [item["name"] for item in get(view="newest").json()] == ["salt", "milk"]
    assert [item["name"] for item in get(view="newest", desc="0").json()] == ["bread", "milk"]
    assert [item["name"] for item in get(view="newest", limit="3").json()] == ["salt", "milk", "bread"]
    assert [item["name"] for item in get(view="newest", offset="2").json()] == ["bread"]
    response = get(view="newest")
    assert (response["X-Apify-Pagination-Limit"], response["X-Apify-Pagination-Desc"]) == ("2", "true")


def test_the_count_is_of_the_items_that_were_gone_through(get):
    response = get(view="reviews")
    assert response.json() == [
        {"name": "bread", "text": "a"},
        {"name": "bread", "text": "b"},
        {"name": "salt", "text": "c"},
    ]
    last = get(view="reviews", offset=1, limit=1)
    assert (last.json(), last["X-Apify-Pagination-Count"], last["X-Apify-Pagination-Total"]) == ([], "1", "3")


def test_tables_have_the_labels_for_titles(get):
    text = get(view="overview", format="csv", bom=0).content.decode()
    assert list(csv.reader(io.StringIO(text)))[:2] == [["Price, €", "name", "Town"], ["2.5", "bread", "Brno"]]
    assert "<th>Price, €</th><th>name</th><th>Town</th>" in get(view="overview", format="html").content.decode()
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(get(view="overview", format="xlsx")))).active
    assert [cell.value for cell in sheet[1]] == ["Price, €", "name", "Town"]
    assert get(view="reviews", format="csv", bom=0).content.startswith(b"name,name (2)\r\nbread,a\r\n")


def test_what_is_no_table_keeps_the_names(get):
    lines = get(view="overview", format="jsonl").content.decode().splitlines()
    assert json.loads(lines[0]) == {"price": 2.5, "name": "bread", "shop.city": "Brno"}
    for format_ in ("xml", "rss"):
        assert "<price>2.5</price>" in get(view="overview", format=format_).content.decode()


def test_a_renamed_field_has_its_new_name_for_a_title(get):
    response = get(view="overview", format="csv", fields="price,name", outputFields="cost,name", bom=0)
    assert response.content.startswith(b"cost,name\r\n2.5,bread\r\n")


def test_a_large_table_whose_columns_are_known_has_the_labels_too(api, ada):
    schema = {
        "views": {"v": {"transformation": {"fields": ["b", "a"]}, "display": {"properties": {"a": {"label": "A!"}}}}}
    }
    made = api(ada).post("/v2/datasets", json.dumps({"schema": schema}), content_type="application/json")
    url = f"/v2/datasets/{made.json()['data']['id']}/items"
    items = [{"a": "x" * 1000, "b": number} for number in range(5000)]
    assert api(ada).post(url, json.dumps(items), content_type="application/json").status_code == 201
    text = b"".join(api(ada).get(f"{url}?view=v&format=csv&bom=0"))
    assert text.startswith(b"b,A!\r\n0,xxx")
    assert text.count(b"\r\n") == 5001


def test_a_signed_address_opens_a_view(api, ada):
    dataset_id = make_viewed(api(ada))
    url = api(ada).get(f"/v2/datasets/{dataset_id}").json()["data"]["itemsPublicUrl"]
    path = url.partition("/v2/")[2]
    found = api().get(f"/v2/{path}&view=overview&limit=1")
    assert found.json() == [{"price": 2.5, "name": "bread", "shop.city": "Brno"}]
