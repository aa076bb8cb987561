"""The API's own description, by `GET /v2/openapi.json`."""
