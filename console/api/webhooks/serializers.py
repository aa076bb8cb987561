"""Webhooks and their dispatches as the API writes them."""

import json
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from accounts.lib.timestamps import iso
from resources.models import Webhook, WebhookDispatch

ACTION = "HTTP_REQUEST"


def with_last_dispatch(webhooks: "QuerySet[Webhook]") -> "QuerySet[Webhook]":
    """Have each row carry the status and the end of its last dispatch."""
    last = WebhookDispatch.objects.filter(webhook=OuterRef("pk")).order_by("-created_at", "-pk")
    return webhooks.annotate(
        last_status=Subquery(last.values("status")[:1]), last_finished_at=Subquery(last.values("finished_at")[:1])
    )


def serialize_list_item(webhook: Webhook) -> dict[str, Any]:
    """Return a webhook as it stands in a list: without its templates, which may hold secrets."""
    return {
        "id": webhook.pk,
        "createdAt": iso(webhook.created_at),
        "modifiedAt": iso(webhook.modified_at),
        "userId": webhook.owner_id,
        "actionType": ACTION,
        "isEnabled": True,  # a webhook is sent for as long as it is there
        "isApifyIntegration": False,
        "isAdHoc": webhook.is_ad_hoc,
        "shouldInterpolateStrings": webhook.should_interpolate_strings,
        "eventTypes": webhook.event_types,
        "condition": serialize_condition(webhook),
        "ignoreSslErrors": webhook.ignore_ssl_errors,
        "doNotRetry": webhook.do_not_retry,
        "requestUrl": webhook.request_url,
        "lastDispatch": _last_dispatch(webhook),
        "stats": {"totalDispatches": webhook.dispatch_count},
    }


def serialize_webhook(webhook: Webhook) -> dict[str, Any]:
    """Return all that its owner gets to know of a webhook."""
    return {
        **serialize_list_item(webhook),
        "payloadTemplate": webhook.payload_template or None,
        "headersTemplate": webhook.headers_template or None,
        "description": webhook.description or None,
    }


def serialize_condition(webhook: Webhook) -> dict[str, str]:
    """Return what a webhook hangs on."""
    named = {"actorId": webhook.actor_id, "actorTaskId": webhook.task_id, "actorRunId": webhook.run_id}
    return {name: id_ for name, id_ in named.items() if id_ is not None}


def serialize_dispatch(row: WebhookDispatch) -> dict[str, Any]:
    """Return a dispatch with its calls."""
    return {
        "id": row.pk,
        "userId": row.owner_id,
        "webhookId": row.webhook_id,
        "createdAt": iso(row.created_at),
        "status": row.status,
        "eventType": row.event_type,
        "eventData": {name: value for name, value in json.loads(row.event_data).items() if value is not None},
        "webhook": {
            "actionType": ACTION,
            "condition": serialize_condition(row.webhook),
            "requestUrl": row.webhook.request_url,
            "isAdHoc": row.webhook.is_ad_hoc,
        },
        "calls": json.loads(row.calls),
    }


def _last_dispatch(webhook: Webhook) -> dict[str, Any] | None:
    status, finished_at = getattr(webhook, "last_status", None), getattr(webhook, "last_finished_at", None)
    return status and {"status": status, "finishedAt": iso(finished_at) if finished_at else None}
