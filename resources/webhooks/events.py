"""What happens to runs and builds, and which webhooks are to be sent for it.

A webhook is sent for jobs that its owner owns, and for no others. A user who may see another account's Actor
may hang a webhook on it, and hears of their own runs of it only. Nor does the Actor's owner hear of these runs, even of
those that the owner may read. A build belongs to the Actor's owner, and so does what is told
of it. That holds whatever is granted and revoked meanwhile, so nothing needs to be decided again when it is sent.
"""

import json
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from resources.jobs.queue import queue_dispatch
from resources.models import Build, Run, Webhook, WebhookDispatch

RUN_CREATED = "ACTOR.RUN.CREATED"
RUN_SUCCEEDED = "ACTOR.RUN.SUCCEEDED"
RUN_FAILED = "ACTOR.RUN.FAILED"
RUN_ABORTED = "ACTOR.RUN.ABORTED"
RUN_TIMED_OUT = "ACTOR.RUN.TIMED_OUT"
RUN_RESURRECTED = "ACTOR.RUN.RESURRECTED"
BUILD_CREATED = "ACTOR.BUILD.CREATED"
BUILD_SUCCEEDED = "ACTOR.BUILD.SUCCEEDED"
BUILD_FAILED = "ACTOR.BUILD.FAILED"
BUILD_ABORTED = "ACTOR.BUILD.ABORTED"
BUILD_TIMED_OUT = "ACTOR.BUILD.TIMED_OUT"
TEST = "TEST"

EVENT_TYPES = frozenset(
    {
        RUN_CREATED,
        RUN_SUCCEEDED,
        RUN_FAILED,
        RUN_ABORTED,
        RUN_TIMED_OUT,
        RUN_RESURRECTED,
        BUILD_CREATED,
        BUILD_SUCCEEDED,
        BUILD_FAILED,
        BUILD_ABORTED,
        BUILD_TIMED_OUT,
        TEST,
    }
)


def emit_event(job: Run | Build, event_type: str) -> None:
    """Have every webhook sent that waits for `event_type`, one of EVENT_TYPES, of this run or build.

    Call it in the transaction of the change, after what changed has been saved: what is sent describes the job as it
    is when it is sent. Nothing is sent when the transaction is rolled back.

    Raises:
        ValueError: for a type that is none.
        TransactionManagementError: outside a transaction, where it could tell of what never happened.
    """
    if event_type not in EVENT_TYPES:
        raise ValueError(f"{event_type} is no event.")
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("An event belongs in the transaction of its change.")
    waiting = [webhook for webhook in _webhooks_for(job, event_type) if event_type in webhook.event_types]
    dispatch(waiting, event_type, event_data(job))


def dispatch(webhooks: Iterable[Webhook], event_type: str, data: dict[str, str | None]) -> list[WebhookDispatch]:
    """Have webhooks sent for one event, and return the rows that say so; `data` is what the API calls eventData."""
    made = WebhookDispatch.objects.bulk_create(
        WebhookDispatch(webhook=webhook, owner_id=webhook.owner_id, event_type=event_type, event_data=json.dumps(data))
        for webhook in webhooks
    )
    Webhook.objects.filter(pk__in=[each.webhook_id for each in made]).update(dispatch_count=F("dispatch_count") + 1)
    for each in made:
        queue_dispatch(each.pk)
    return made


def event_data(job: Run | Build) -> dict[str, str | None]:
    """Return the webhook's event data: the IDs of the run or build, of its Actor and of its task."""
    if isinstance(job, Build):
        return {"actorId": job.actor_id or "", "actorBuildId": job.pk}
    return {"actorId": job.actor_id or "", "actorTaskId": job.task_id, "actorRunId": job.pk}


def _webhooks_for(job: Run | Build, event_type: str) -> Iterable[Webhook]:
    """Return the webhooks of the job's owner whose condition is the run, its task, or its Actor.

    An ad-hoc one is sent once for each event: a run that was resurrected ends a second time.
    """
    is_named = Q(pk__in=())
    if isinstance(job, Run):
        is_named |= Q(run_id=job.pk)
        if job.task_id:
            is_named |= Q(task_id=job.task_id)
    if job.actor_id:
        is_named |= Q(actor_id=job.actor_id)
    has_been_sent = WebhookDispatch.objects.filter(webhook=OuterRef("pk"), event_type=event_type)
    found = Webhook.objects.filter(is_named, owner_id=job.owner_id).order_by("created_at", "pk")
    return found.exclude(Exists(has_been_sent), is_ad_hoc=True)
