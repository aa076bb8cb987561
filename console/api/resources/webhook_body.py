"""A webhook as a client sends it: by itself, or with the run that it is to tell of."""

import msgspec
from msgspec import UNSET, UnsetType

from console.http.request_body import unset_if_null
from resources.webhooks.editing import Condition, WebhookChange


class ConditionBody(msgspec.Struct, rename="camel"):
    """What a webhook is to hang on; clients send an empty one for no change."""

    actor_id: str | None = None
    actor_task_id: str | None = None
    actor_run_id: str | None = None


class WebhookBody(msgspec.Struct, rename="camel"):
    """The body of a POST or PUT of a webhook; what is null, or not given, stays as it is."""

    event_types: list[str] | UnsetType | None = UNSET
    condition: ConditionBody | UnsetType | None = UNSET
    request_url: str | UnsetType | None = UNSET
    payload_template: str | UnsetType | None = UNSET
    headers_template: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    idempotency_key: str | None = None
    is_ad_hoc: bool | UnsetType | None = UNSET
    should_interpolate_strings: bool | UnsetType | None = UNSET
    ignore_ssl_errors: bool | UnsetType | None = UNSET
    do_not_retry: bool | UnsetType | None = UNSET

    def change(self, condition: Condition | UnsetType) -> WebhookChange:
        """Return what is to change, with the condition that has been looked up."""
        return WebhookChange(
            event_types=unset_if_null(self.event_types),
            condition=condition,
            request_url=unset_if_null(self.request_url),
            payload_template=unset_if_null(self.payload_template),
            headers_template=unset_if_null(self.headers_template),
            description=unset_if_null(self.description),
            is_ad_hoc=unset_if_null(self.is_ad_hoc),
            should_interpolate_strings=unset_if_null(self.should_interpolate_strings),
            ignore_ssl_errors=unset_if_null(self.ignore_ssl_errors),
            do_not_retry=unset_if_null(self.do_not_retry),
        )
