"""The keys of a key-value store, page by page."""

from http import HTTPStatus
from typing import Any

from django.http import HttpResponse, QueryDict

from accounts.lib.api_errors import ApiError, invalid_value
from console.http import json_responses
from console.http.pagination import MAX_LIMIT, whole_number
from console.http.record_urls import record_url
from resources.kinds import Kind
from resources.models import KeyValueStore, Record, Resource
from resources.records.collections import UnknownCollection, collection_keys
from resources.records.keys import RULES, KeyFilter, can_be_key
from resources.records.reading import list_records
from resources.records.usage import lists
from sharing.declare import needs
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.links.signed_urls import record_signer
from sharing.permissions import Permission
from sharing.signatures import SignedContent


@needs(Kind.KEY_VALUE_STORE, Permission.READ, signed=SignedContent.CONTENT)
def list_keys(request: ResourceApiRequest[KeyValueStore]) -> HttpResponse:
    """Answer with the keys after `exclusiveStartKey`, in the order of their bytes."""
    query, store = request.GET, request.resource
    limit = min(whole_number(query, "limit", 0) or MAX_LIMIT, MAX_LIMIT)
    after = query.get("exclusiveStartKey", "")
    if after and not can_be_key(after):
        raise invalid_value("exclusiveStartKey", f"it cannot be a key. {RULES}")
    records, is_truncated = list_records(store.pk, wanted_keys(query, store), after, limit)
    lists.add(store.pk)
    signature_of = record_signer(request.access)
    return json_responses.data_response(
        {
            "items": [_key(request.access.resource, record, signature_of(record.key)) for record in records],
            "count": len(records),
            "limit": limit,
            "exclusiveStartKey": after or None,
            "isTruncated": is_truncated,
            "nextExclusiveStartKey": records[-1].key if is_truncated else None,
        }
    )


def wanted_keys(query: QueryDict, store: KeyValueStore) -> KeyFilter:
    """Return which keys `prefix` and `collection` leave over.

    Raises:
        ApiError: 400 for a collection that the store does not have.
    """
    prefix = query.get("prefix", "")
    name = query.get("collection", "")
    if not name:
        return KeyFilter((prefix,))
    try:
        collection = collection_keys(store.schema, name)
    except UnknownCollection as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "invalid-collection", str(error)) from None
    return KeyFilter((prefix, *collection.prefixes), collection.exact)


def _key(store: Resource, record: Record, signature: str) -> dict[str, Any]:
    return {"key": record.key, "size": record.size, "recordPublicUrl": record_url(store, record.key) + signature}
