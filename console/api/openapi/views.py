"""The description of the API, for programs that read it."""

from functools import cache

import msgspec
from django.http import HttpResponse

from accounts.request_types import ApiRequest
from console.api.openapi.document import document
from console.http import json_responses
from sharing.declare import public


@public("it says what can be asked for, and nothing of what there is")
def show(request: ApiRequest) -> HttpResponse:
    """Answer with the OpenAPI description of this API."""
    return json_responses.json_response(_encoded())


@cache
def _encoded() -> bytes:
    return msgspec.json.encode(document())
