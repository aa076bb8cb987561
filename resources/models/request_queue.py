"""The models of request queues: what is known of one, and the requests that are in it."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from resources.kinds import Kind
from resources.models.resource import Resource


class RequestQueue(Resource):
    """URLs to be visited, each once, with counters that move with every change of its requests.

    `client_key` is the first client that was seen at the queue; any other sets `had_multiple_clients`, for good.
    `stored_bytes` is what the requests take as text.
    """

    KIND = Kind.REQUEST_QUEUE
    resource_ptr = models.OneToOneField(
        Resource, primary_key=True, parent_link=True, on_delete=models.CASCADE, related_name="as_request_queue"
    )

    total_count = models.BigIntegerField(default=0)
    handled_count = models.BigIntegerField(default=0)
    stored_bytes = models.BigIntegerField(default=0)
    write_count = models.BigIntegerField(default=0)
    delete_count = models.BigIntegerField(default=0)
    head_item_read_count = models.BigIntegerField(default=0)
    had_multiple_clients = models.BooleanField(default=False)
    client_key = models.CharField(max_length=40, null=True, blank=True)

    @property
    def pending_count(self) -> int:
        """How many requests have not been handled yet, locked or not."""
        return self.total_count - self.handled_count


class QueuedRequest(models.Model):
    """One request of a queue.

    `request_id` is made from the unique key in the way of the clients (`resources/request_queues/identity.py`), so the
    two are unique together. The queue is worked off by ascending `order_key`. Moments are milliseconds since 1970, so
    that statements written by hand compare them on every database alike. A lock is `lock_expires_at` with the one who
    holds it in `locked_by`; an expired one is taken off by the next client that asks for the head. A handled request is
    never locked. `details` is a JSON object with everything that is only kept to be given back.
    """

    id = models.BigAutoField(primary_key=True)
    queue = models.ForeignKey(RequestQueue, on_delete=models.CASCADE, related_name="requests", db_index=False)
    request_id = models.CharField(max_length=15)
    order_key = models.BigIntegerField()
    handled_at = models.BigIntegerField(null=True, blank=True)
    lock_expires_at = models.BigIntegerField(null=True, blank=True)
    locked_by = models.CharField(max_length=40, default="", blank=True)
    retry_count = models.BigIntegerField(default=0)
    size = models.IntegerField(help_text="What the unique key, the URL and the details take, in bytes.")
    method = models.CharField(max_length=7, default="GET")
    unique_key = models.TextField()
    url = models.TextField()
    # Text and not JSON: it is given back byte by byte, and PostgreSQL's JSON refuses NUL.
    details = models.TextField(default="{}")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("queue", "request_id"), name="queued_request_unique"),
            models.CheckConstraint(
                condition=Q(handled_at__isnull=True) | Q(lock_expires_at__isnull=True), name="queued_request_unlocked"
            ),
        )
        indexes = (
            # The head of a queue: what is neither handled nor locked, in the order in which it is worked off.
            models.Index(
                fields=("queue", "order_key", "id"),
                condition=Q(handled_at__isnull=True, lock_expires_at__isnull=True),
                name="queued_request_head",
            ),
            models.Index(
                fields=("queue", "lock_expires_at"),
                condition=Q(lock_expires_at__isnull=False),
                name="queued_request_locked",
            ),
        )

    def __str__(self) -> str:
        return f"{self.queue_id}/{self.request_id}"


@receiver(pre_delete, sender=RequestQueue)
def _wait_for_writers(instance: RequestQueue, **_: Any) -> None:
    """Lock the row before its requests are deleted, so that no client adds another one in between.

    Runs inside the transaction of the deletion. The requests then go in one statement, never through Python.
    """
    RequestQueue.objects.select_for_update(of=("self",)).filter(pk=instance.pk).values_list("pk").first()
