"""Items are held to the schema of their dataset: a push that breaks it is refused whole."""

import io
import json

import pytest

from resources.datasets.errors import ItemsBreakSchema
from resources.datasets.uploading import InvalidFile, add_file
from resources.datasets.validation import check_fields
from resources.datasets.validator.processes import UnusableSchema
from resources.datasets.validator.program import MAX_INVALID_ITEMS
from resources.datasets.writing import push
from resources.kinds import Kind
from resources.models import Dataset
from tests.support.api import error_of

pytestmark = pytest.mark.django_db
FIELDS = {"type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "number"}}, "required": ["name"]}
OUTSIDE = ["file:///etc/passwd", "http://127.0.0.1:1/x.json", "https://example.com/x.json", "other.json#/a"]


@pytest.fixture
def made(api, ada):
    """Make a dataset with these fields by the API."""

    def make(fields: object):
        body = json.dumps({"schema": {"actorSpecification": 1, "fields": fields, "views": {}}})
        return api(ada).post("/v2/datasets", body, content_type="application/json")

    return make


@pytest.fixture
def dataset_id(made) -> str:
    return made(FIELDS).json()["data"]["id"]


def test_a_push_that_breaks_the_schema_is_refused_whole(api, ada, dataset_id):
    url = f"/v2/datasets/{dataset_id}/items"
    items = [{"name": "bread"}, {"name": 1}, {"n": 2}, {"name": "milk", "n": 1.5}]
    response = api(ada).post(url, json.dumps(items), content_type="application/json")
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["type"] == "schema-validation-error"
    assert error["data"]["invalidItems"] == [
        {
            "itemPosition": 1,
            "validationErrors": [
                {
                    "instancePath": "/1/name",
                    "schemaPath": "/items/properties/name/type",
                    "keyword": "type",
                    "params": {"type": "string"},
                    "message": "must be string",
                }
            ],
        },
        {
            "itemPosition": 2,
            "validationErrors": [
                {
                    "instancePath": "/2",
                    "schemaPath": "/items/required",
                    "keyword": "required",
                    "params": {"missingProperty": "name"},
                    "message": "must have required property 'name'",
                }
            ],
        },
    ]
    assert api(ada).get(url).json() == []
    assert api(ada).post(url, json.dumps(items[0]), content_type="application/json").status_code == 201
    assert api(ada).get(url).json() == items[:1]


def test_a_file_is_refused_whole(dataset_id):
    with pytest.raises(InvalidFile, match="must have required property 'name'"):
        add_file(dataset_id, io.BytesIO(b'{"name":"a"}\n{"n":1}\n'), "jsonl")
    assert Dataset.objects.get(pk=dataset_id).item_count == 0


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"9" * 5000, b"0." + b"1" * 5000, b"12345678901234567890"])
def test_a_number_of_any_size_is_a_number(dataset_id, number):
    assert push(dataset_id, b'{"name":"x","n":%b}' % number) == 1
    with pytest.raises(ItemsBreakSchema):
        push(dataset_id, b'{"name":%b}' % number)


def test_very_many_invalid_items_are_not_all_named(dataset_id):
    with pytest.raises(ItemsBreakSchema) as broken:
        push(dataset_id, json.dumps([{}] * 1000).encode())
    assert len(broken.value.invalid_items) == MAX_INVALID_ITEMS


@pytest.mark.parametrize("uri", OUTSIDE)
def test_no_reference_leaves_the_schema(made, uri, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", None)
    for fields in ({"$ref": uri}, {"properties": {"a": {"$ref": uri}}}, {"$schema": uri}):
        assert error_of(made(fields)) == (400, "dataset-schema-invalid")
    with pytest.raises(UnusableSchema):
        check_fields({"allOf": [{"$ref": uri}]}, "an account")


@pytest.mark.parametrize("fields", [{"type": "nonsense"}, {"$ref": "#/nothing"}, {"pattern": "("}, 5, "text", [1]])
def test_what_is_no_json_schema_is_refused_when_it_is_given(made, fields):
    assert error_of(made(fields)) == (400, "dataset-schema-invalid")


def test_references_within_the_schema_are_followed(made, api, ada):
    fields = {"$defs": {"price": {"type": "number"}}, "properties": {"price": {"$ref": "#/$defs/price"}}}
    dataset_id = made(fields).json()["data"]["id"]
    assert push(dataset_id, b'{"price":1}') == 1
    with pytest.raises(ItemsBreakSchema):
        push(dataset_id, b'{"price":"1"}')


def test_a_schema_of_before_that_cannot_be_used_allows_everything(ada, make_resource):
    schema = json.dumps({"fields": {"$ref": "file:///etc/passwd"}})
    dataset = make_resource(Kind.DATASET, ada, schema=schema)
    assert push(dataset.pk, b'{"a":1}') == 1


@pytest.mark.parametrize("schema", ["", '{"fields":{}}', '{"views":{}}'])
def test_without_fields_everything_is_allowed(ada, make_resource, schema):
    assert push(make_resource(Kind.DATASET, ada, schema=schema).pk, b'{"a":1}') == 1


def test_the_page_of_a_dataset_says_that_its_schema_is_enforced(signed_in, ada, make_resource, dataset_id):
    held, free = Dataset.objects.get(pk=dataset_id), make_resource(Kind.DATASET, ada)
    assert "This dataset has a schema." in signed_in(ada).get(held.console_path).content.decode()
    assert "This dataset has a schema." not in signed_in(ada).get(free.console_path).content.decode()
