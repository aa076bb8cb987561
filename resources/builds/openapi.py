"""An OpenAPI document of one build: how it is run over the API, and the input that it takes."""

from typing import Any

import msgspec

from resources.models import BuildContent


def document(content: BuildContent, *, number: str, title: str, address: str, server: str) -> dict[str, Any]:
    """Return the OpenAPI document of a build, as JSON values.

    `address` is how the Actor is called in URLs, `server` the base URL of the API without its version.
    """
    schema = msgspec.json.decode(content.input_schema) if content.input_schema else {"type": "object"}
    return {
        "openapi": "3.0.1",
        "info": {"title": title, "version": number or "0.0", "description": _description(content)},
        "servers": [{"url": f"{server}/v2"}],
        "paths": {
            f"/actors/{address}/runs": _operation(
                "runs", "Starts the Actor and answers with its run, without waiting for its end.", "201", _RUN
            ),
            f"/actors/{address}/run-sync": _operation(
                "run-sync", "Runs the Actor, waits for its end and answers with its output.", "200", _ANYTHING
            ),
            f"/actors/{address}/run-sync-get-dataset-items": _operation(
                "run-sync-get-dataset-items",
                "Runs the Actor, waits for its end and answers with the items of its dataset.",
                "200",
                _ITEMS,
            ),
        },
        "components": {
            "schemas": {"inputSchema": _json_schema(schema)},
            "securitySchemes": {"httpBearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"httpBearer": []}],
    }


_RUN = {
    "type": "object",
    "properties": {
        "data": {
            "type": "object",
            "properties": {"id": {"type": "string"}, "status": {"type": "string"}, "buildNumber": {"type": "string"}},
        }
    },
}
_ITEMS = {"type": "array", "items": {"type": "object"}}
_ANYTHING: dict[str, Any] = {}
# What an input schema has besides JSON Schema, for the form that a console makes of it.
_ONLY_FOR_FORMS = frozenset({"schemaVersion", "sectionCaption", "sectionDescription", "isSecret", "nullable"})

# What may hold a value that the field can have.
_VALUES = frozenset({"default", "prefill", "example", "examples", "enum", "const"})


def _description(content: BuildContent) -> str:
    definition = msgspec.json.decode(content.definition) if content.definition else {}
    described = definition.get("description") if isinstance(definition, dict) else None
    return described if isinstance(described, str) else ""


def _operation(name: str, summary: str, status: str, answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "post": {
            "operationId": name,
            "summary": summary,
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/inputSchema"}}},
            },
            "responses": {status: {"description": "OK", "content": {"application/json": {"schema": answer}}}},
        }
    }


def _json_schema(schema: Any) -> dict[str, Any]:
    """Return an input schema without what is only for forms, and with no value of a secret field in it."""
    if not isinstance(schema, dict):
        return {"type": "object"}
    kept = {name: value for name, value in schema.items() if name not in _ONLY_FOR_FORMS}
    properties = kept.get("properties")
    if isinstance(properties, dict):
        kept["properties"] = {name: _field(field) for name, field in properties.items() if isinstance(field, dict)}
    return kept


def _field(field: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in field.items() if key not in _ONLY_FOR_FORMS}
    if not field.get("isSecret"):
        return kept
    described = {key: value for key, value in kept.items() if key not in _VALUES}
    as_password = {"format": "password"} if field.get("type") == "string" else {}
    return {**described, **as_password, "writeOnly": True}
