"""Calls of the API, and what its answers say."""

import json
from typing import Any

from django.test import Client


class ApiClient:
    """Calls the API with a token, or without one."""

    def __init__(self, token: str | None = None) -> None:
        self._client = Client(headers={"Authorization": f"Bearer {token}"} if token else None)

    def __getattr__(self, method: str):
        """Return Django's client method of this name: `api(ada).get("/v2/datasets")`."""
        return getattr(self._client, method)


def send(client, method: str, path: str, body: Any = None, **headers: str):
    """Send a body as JSON; a text or bytes go as they are, None is an empty object, and a GET has it as its query."""
    if method.lower() == "get":
        return client.get(path, body, **headers)
    text = body if isinstance(body, str | bytes) else json.dumps({} if body is None else body)
    return getattr(client, method.lower())(path, text, content_type="application/json", **headers)


def data_of(response) -> Any:
    """Return the data of an answer, which must be a success."""
    assert response.status_code < 300, response.content
    return response.json()["data"]


def error_of(response) -> tuple[int, str]:
    """Return the status and the type of an error; the answer must have the shape that every error has."""
    assert response["Content-Type"].startswith("application/json"), response["Content-Type"]
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) - {"data"} == {"type", "message"}
    held_back = body["error"].get("data", {}).get("heldBackBy")
    assert held_back is None or set(body["error"]["data"]) == {"heldBackBy", "permission", "kind"}
    return response.status_code, body["error"]["type"]


def message_of(response) -> str:
    """Return the message of an error."""
    message: str = response.json()["error"]["message"]
    return message
