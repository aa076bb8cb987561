"""The models of webhooks: what is sent where when something happens to a job, and each time that it was."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.lib.encrypted_text import EncryptedTextField
from accounts.lib.ids import new_id
from resources.models.resource import Resource


class Webhook(models.Model):
    """A request that is sent when an event happens to a job of its owner's that the condition names.

    Only its owner sees it. Exactly one of `actor`, `task` and `run` is its condition. `headers_template`
    may hold a token of the receiver, so it is encrypted. `event_types` is JSON, a list.
    """

    id = models.CharField(primary_key=True, max_length=17, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks")
    event_types = models.JSONField(default=list)
    actor = models.ForeignKey(
        Resource, null=True, blank=True, on_delete=models.CASCADE, related_name="webhooks_of_actor"
    )
    task = models.ForeignKey(Resource, null=True, blank=True, on_delete=models.CASCADE, related_name="webhooks_of_task")
    run = models.ForeignKey(Resource, null=True, blank=True, on_delete=models.CASCADE, related_name="webhooks_of_run")
    request_url = models.TextField()
    payload_template = models.TextField(blank=True, default="")
    headers_template = EncryptedTextField(blank=True, default="")
    description = models.TextField(blank=True, default="")
    is_ad_hoc = models.BooleanField(default=False)
    should_interpolate_strings = models.BooleanField(default=False)
    ignore_ssl_errors = models.BooleanField(default=False)
    do_not_retry = models.BooleanField(default=False)
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)
    dispatch_count = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    modified_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "idempotency_key"),
                condition=Q(idempotency_key__isnull=False),
                name="webhook_idempotency_key_unique",
            ),
        )
        indexes = (models.Index(fields=("owner", "created_at"), name="webhook_of_owner"),)

    def __str__(self) -> str:
        return self.request_url


class WebhookDispatch(models.Model):
    """One event that a webhook is sent for, with each try. `calls` and `event_data` are JSON as the API has them."""

    class Status(models.TextChoices):
        """Whether it has been taken, is still tried, or was given up."""

        ACTIVE = "ACTIVE", "Active"
        SUCCEEDED = "SUCCEEDED", "Succeeded"
        FAILED = "FAILED", "Failed"

    id = models.CharField(primary_key=True, max_length=17, default=new_id, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="dispatches")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhook_dispatches")
    event_type = models.CharField(max_length=40)
    event_data = models.TextField(default="{}")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    calls = models.TextField(default="[]")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = (
            models.Index(fields=("owner", "created_at"), name="dispatch_of_owner"),
            models.Index(fields=("webhook", "created_at"), name="dispatch_of_webhook"),
            models.Index(fields=("next_at",), condition=Q(status="ACTIVE"), name="dispatch_due"),
        )

    def __str__(self) -> str:
        return f"{self.event_type} to {self.webhook_id}"
