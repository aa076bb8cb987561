"""Every error of a schema is told as JSON that clients read, as AJV tells it."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.datasets.errors import ItemsBreakSchema, SchemaTakesTooMuch
from resources.datasets.schemas import checked_schema
from resources.datasets.validation import check_items, holds_items
from resources.kinds import Kind
from resources.storages import InvalidSchema
from tests.support.api import error_of

PROPERTIES = {
    "anyOf": ({"anyOf": [{"type": "string"}, {"type": "number"}]}, [], "anyOf", {}),
    "oneOf, none": ({"oneOf": [{"type": "string"}, {"type": "number"}]}, [], "oneOf", {"passingSchemas": None}),
    "oneOf, two": ({"oneOf": [False, True, {}]}, [], "oneOf", {"passingSchemas": [1, 2]}),
    "propertyNames": ({"propertyNames": {"maxLength": 1}}, {"aa": 1}, "propertyNames", {"propertyName": "aa"}),
    "false": (False, 1, "false schema", {}),
    "type": ({"type": ["string"]}, 1, "type", {"type": "string"}),
    "required": ({"required": ["b"]}, {}, "required", {"missingProperty": "b"}),
    "dependentRequired": ({"dependentRequired": {"b": ["c"]}}, {"b": 1}, "dependentRequired", {"missingProperty": "c"}),
    "enum": ({"enum": [1, {"x": [None]}]}, 2, "enum", {"allowedValues": [1, {"x": [None]}]}),
    "const": ({"const": None}, 2, "const", {"allowedValue": None}),
    "other": ({"additionalProperties": False}, {"b": 1}, "additionalProperties", {"additionalProperty": "b"}),
    "other of some": (
        {"properties": {"c": {}}, "additionalProperties": False},
        {"b": 1, "c": 1},
        "additionalProperties",
        {"additionalProperty": "b"},
    ),
    "a property by that name": (
        {"properties": {"additionalProperties": False}},
        {"additionalProperties": {"b": 1}},
        "false schema",
        {},
    ),
    "unevaluated": ({"unevaluatedProperties": False}, {"b": 1}, "unevaluatedProperties", {"unevaluatedProperty": "b"}),
    "minimum": ({"minimum": 3}, 1, "minimum", {"comparison": ">=", "limit": 3}),
    "maxLength": ({"maxLength": 1}, "aa", "maxLength", {"limit": 1}),
    "multipleOf": ({"multipleOf": 2}, 1, "multipleOf", {"multipleOf": 2}),
    "pattern": ({"pattern": "^b"}, "a", "pattern", {"pattern": "^b"}),
    "not": ({"not": {}}, 1, "not", {}),
    "format: email": ({"format": "email"}, "a", "format", {"format": "email"}),
    "format: date-time": ({"format": "date-time"}, "today", "format", {"format": "date-time"}),
    "format: uri": ({"format": "uri"}, "no uri", "format", {"format": "uri"}),
    "format: uuid": ({"format": "uuid"}, "1", "format", {"format": "uuid"}),
    "format: ipv4": ({"format": "ipv4"}, "1.2.3", "format", {"format": "ipv4"}),
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("name", PROPERTIES)
def test_an_error_is_told_as_ajv_tells_it(api, ada, make_resource, name):
    schema, value, keyword, params = PROPERTIES[name]
    dataset = make_resource(Kind.DATASET, ada, schema=json.dumps({"fields": {"properties": {"a": schema}}}))
    response = api(ada).post(
        f"/v2/datasets/{dataset.pk}/items", json.dumps([{}, {"a": value}]), content_type="application/json"
    )
    assert response.status_code == 400, response.content
    error = response.json()["error"]
    assert error["type"] == "schema-validation-error"
    (item,) = error["data"]["invalidItems"]
    (found,) = item["validationErrors"]
    assert (found["keyword"], found["params"]) == (keyword, params)
    assert found["instancePath"].startswith("/1/a")
    assert found["schemaPath"].startswith("/items/properties/a")
    assert found["message"]


@pytest.mark.django_db
def test_nothing_fits_a_schema_that_is_false(api, ada, signed_in):
    body = json.dumps({"schema": {"fields": False}})
    made = api(ada).post("/v2/datasets", body, content_type="application/json")
    dataset_id = made.json()["data"]["id"]
    refused = api(ada).post(f"/v2/datasets/{dataset_id}/items", "{}", content_type="application/json")
    assert refused.json()["error"]["type"] == "schema-validation-error"
    assert holds_items('{"fields":false}')


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [0, 1, "", []])
def test_what_only_looks_like_nothing_is_no_schema(api, ada, fields):
    body = json.dumps({"schema": {"fields": fields}})
    assert error_of(api(ada).post("/v2/datasets", body, content_type="application/json")) == (
        400,
        "dataset-schema-invalid",
    )


@pytest.mark.parametrize(
    "item",
    [b'{"a":"\\ud800"}', b'{"\\ud800":1}', b'{"a":"\xff"}', b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"],
    ids=["half a pair", "as a name", "no UTF-8", "deep"],
)
def test_what_python_cannot_hold_is_told_too(item):
    with pytest.raises(ItemsBreakSchema):
        check_items('{"fields":{"required":["b"]}}', [item], "ada")


def test_what_is_told_of_very_long_names_is_bounded():
    items = [json.dumps({f"{at}" * 100_000: 1}).encode() for at in range(100)]
    with pytest.raises(ItemsBreakSchema) as broken:
        check_items('{"fields":{"additionalProperties":false}}', items, "ada")
    assert len(json.dumps(broken.value.invalid_items)) < 2_000_000


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from("abc"), inside, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["string", "number", "integer", "boolean", "object", "array", "null"])
COUNTS = st.integers(0, 3)


def _schemas(inside: st.SearchStrategy) -> st.SearchStrategy:
    several, by_name = st.lists(inside, min_size=1, max_size=3), st.dictionaries(st.sampled_from("abc"), inside)
    one = dict.fromkeys(("items", "not", "contains", "propertyNames", "additionalProperties", "if", "then"), inside)
    one |= dict.fromkeys(("unevaluatedProperties", "unevaluatedItems", "else"), inside)
    one |= dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems"), several)
    one |= dict.fromkeys(("properties", "patternProperties", "dependentSchemas"), by_name)
    one |= dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), COUNTS)
    one |= {name: st.integers() | st.floats(-9, 9) for name in ("minimum", "maximum", "exclusiveMinimum")}
    one |= {
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "const": VALUES,
        "type": TYPES | st.lists(TYPES, min_size=1),
    }
    one |= {"multipleOf": st.sampled_from([0.1, 2, 1e-9]), "required": st.lists(st.sampled_from("abc"), unique=True)}
    one |= {"pattern": st.sampled_from(["^a", "b+$"]), "uniqueItems": st.booleans(), "minContains": COUNTS}
    one |= {"format": st.sampled_from(["email", "date", "uri", "nonsense", "ipv6"])}
    return st.fixed_dictionaries({}, optional=one)


SCHEMAS: st.SearchStrategy = st.recursive(st.booleans() | st.builds(dict), _schemas, max_leaves=6)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(schema=SCHEMAS, items=st.lists(st.dictionaries(st.sampled_from("abc"), VALUES), min_size=1, max_size=4))
def test_whatever_is_wrong_is_json(schema, items):
    text = json.dumps({"fields": schema})
    try:
        checked_schema(text.encode(), "ada")
    except InvalidSchema:
        return
    try:
        check_items(text, [json.dumps(item).encode() for item in items], "ada")
    except SchemaTakesTooMuch:
        pytest.fail("a small schema broke the process")
    except ItemsBreakSchema as error:
        broken = error
    else:
        return
    assert broken.invalid_items
    assert str(broken)
    for each in json.loads(json.dumps(broken.invalid_items, allow_nan=False)):
        assert set(each) == {"itemPosition", "validationErrors"}
        for told in each["validationErrors"]:
            assert set(told) == {"instancePath", "schemaPath", "keyword", "params", "message"}
