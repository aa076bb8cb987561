"""Views of a dataset's schema on its page, in the export and in links to what was chosen."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from resources.kinds import Kind
from resources.models import Dataset
from tests.support.dataset_views import SCHEMA, make_viewed

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(api, ada):
    return Dataset.objects.get(pk=make_viewed(api(ada)))


def titles(response) -> list[str]:
    return [column.name for column in response.context["table"].columns]


def cells(response) -> list[list[str]]:
    return [[str(row.number), *(cell.text for cell in row.cells)] for row in response.context["table"].rows]


def test_the_page_offers_the_views_of_the_schema(ada, signed_in, dataset):
    page = signed_in(ada).get(dataset.console_path).content.decode()
    assert "?dataset_view=overview" in page
    assert "Reviews &lt;b&gt;" in page
    assert "Reviews <b>" not in page


def test_the_page_shows_the_items_as_a_view_does(ada, signed_in, dataset):
    browser = signed_in(ada)
    response = browser.get(f"{dataset.console_path}?dataset_view=overview")
    assert titles(response) == ["Price, €", "name", "Town"]
    assert cells(response)[0] == ["1", "2.5", "bread", "Brno"]
    response = browser.get(f"{dataset.console_path}?dataset_view=reviews")
    assert cells(response) == [["1", "bread", "a"], ["1", "bread", "b"], ["3", "salt", "c"]]
    response = browser.get(f"{dataset.console_path}?dataset_view=newest")
    assert cells(response) == [["3", "salt", "3"], ["2", "milk", "1"]]
    assert response.context["paging"].total == 2
    shown = browser.get(f"{dataset.console_path}?dataset_view=overview&view=json").context["items"]
    assert json.loads(shown[0].text) == {"price": 2.5, "name": "bread", "shop.city": "Brno"}


@pytest.mark.parametrize("name", ["nothing", "%00", "json"])
def test_an_unknown_view_shows_all_fields(ada, signed_in, dataset, name):
    response = signed_in(ada).get(f"{dataset.console_path}?dataset_view={name}")
    assert titles(response) == ["name", "price", "shop", "reviews"]


def test_a_view_that_multiplies_too_much_says_so(ada, api, signed_in):
    views = {"many": {"transformation": {"unwind": ["a", "b", "c"]}}, "few": {"transformation": {"unwind": ["a"]}}}
    body = json.dumps({"schema": {"views": views}})
    made = api(ada).post("/v2/datasets", body, content_type="application/json").json()["data"]["id"]
    item = json.dumps({"a": [0] * 600, "b": [0] * 600, "c": []})
    api(ada).post(f"/v2/datasets/{made}/items", item, content_type="application/json")
    path = Dataset.objects.get().console_path
    many, few = (signed_in(ada).get(f"{path}?dataset_view={name}") for name in views)
    assert "This view cannot be shown." in many.content.decode()
    assert "unwind" in many.context["view_problem"]
    assert len(few.context["table"].rows) == 500
    assert "become more rows than it shows" in few.content.decode()


@pytest.mark.parametrize(
    ("view", "says"),
    [
        ("", "3 items, about"),
        ("all", "3 items, about"),
        ("overview", "3 items, at most"),
        ("newest", "2 of 3 items, at most"),
        ("reviews", "3 items, each of which the view turns into any number"),
    ],
)
def test_the_export_says_what_size_a_view_has(ada, signed_in, dataset, view, says):
    query = {"format": "json", "items": "raw", "view": view}
    page = signed_in(ada).get(f"{dataset.console_path}/export", query)
    assert page.context["size"].startswith(says)


def test_the_export_offers_views_only_where_there_are(ada, signed_in, dataset, make_resource):
    browser = signed_in(ada)
    assert '<select name="view"' in browser.get(f"{dataset.console_path}/export").content.decode()
    other = make_resource(Kind.DATASET, ada)
    assert 'name="view"' not in browser.get(f"{other.console_path}/export").content.decode()


def test_the_export_of_a_view(ada, signed_in, dataset):
    browser = signed_in(ada)
    chosen = {"format": "csv", "items": "raw", "view": "overview", "action": "download"}
    response = browser.post(f"{dataset.console_path}/export", chosen)
    assert parse_qs(urlsplit(response["Location"]).query)["view"] == ["overview"]
    for action in ("download", "preview"):
        url = browser.post(f"{dataset.console_path}/export", {**chosen, "action": action})["Location"]
        text = b"".join(browser.get(url).streaming_content).decode("utf-8-sig")
        assert text.splitlines()[:2] == ['"Price, €",name,Town', "2.5,bread,Brno"]
    refused = browser.get(f"{dataset.console_path}/download?format=csv&view=nothing")
    assert refused.status_code == 400
    assert "no view called" in refused.content.decode()
    assert browser.post(f"{dataset.console_path}/export", {**chosen, "view": "nothing"}).status_code == 422


def test_the_size_of_an_export_is_that_of_the_view(ada, signed_in, dataset):
    asked = {"format": "json", "items": "raw", "view": "newest"}
    page = signed_in(ada).get(f"{dataset.console_path}/export", asked, headers={"HX-Request": "true"})
    assert "2 of 3 items" in page.content.decode()


def test_a_link_to_a_view_opens_the_view(ada, client, signed_in, dataset):
    chosen = {"format": "csv", "items": "raw", "view": "overview", "lifetime": "336"}
    made = signed_in(ada).post(f"{dataset.console_path}/export", chosen).context["made"]
    parts = urlsplit(made.url)
    text = b"".join(client.get(f"{parts.path}?{parts.query}")).decode("utf-8-sig")
    assert text.startswith('"Price, €",name,Town')
    page = signed_in(ada).get(f"{dataset.console_path}/links").content.decode()
    assert "view overview" in page


def test_a_run_shows_its_items_by_a_view(ada, signed_in, dataset, make_resource):
    run = make_resource(Kind.RUN, ada)
    Dataset.objects.filter(pk=dataset.pk).update(run=run)
    page = signed_in(ada).get(f"{run.console_path}?tab=output&dataset_view=overview")
    assert titles(page) == ["Price, €", "name", "Town"]
    assert SCHEMA["views"]["overview"]["title"] in page.content.decode()
