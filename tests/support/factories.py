"""Makes what there is in a test: resources of every kind, as rows of the database, and grants on them."""

from typing import Any

from accounts.models import Account
from resources.jobs.status import JobStatus
from resources.kinds import STORAGES, Kind
from resources.models import MODELS, Actor, Build, Resource, Run, TaggedBuild, Webhook
from resources.webhooks import events
from sharing import grants
from sharing.models import Grant
from sharing.permissions import NOTHING, Permission, parse


def make_resource(kind: Kind, owner: Account, **fields: Any) -> Any:
    """Make a resource of any kind: `make_resource(Kind.DATASET, ada, name="prices")`."""
    return MODELS[kind].objects.create(owner=owner, **fields)


def built_actor(owner: Account, *, name: str = "counter", number: str = "0.1.1", **fields: Any) -> Actor:
    """Make an Actor with a build that has succeeded, tagged latest."""
    actor: Actor = make_resource(Kind.ACTOR, owner, name=name, **fields)
    built(actor, number)
    return actor


def built(
    actor: Actor, number: str, tag: str = "latest", status: JobStatus = JobStatus.SUCCEEDED, **fields: Any
) -> Build:
    """Make a build of an Actor, and let its tag point to it if it has succeeded; without a tag none does."""
    build: Build = make_resource(
        Kind.BUILD, actor.owner, actor_id=actor.pk, number=number, tag=tag, status=status, **fields
    )
    if tag and status == JobStatus.SUCCEEDED:
        tag_build(build, tag)
    return build


def tag_build(build: Build, tag: str) -> None:
    """Let a tag of the Actor point to a build of it."""
    TaggedBuild.objects.update_or_create(actor_id=build.actor_id, tag=tag, defaults={"build": build})


def make_webhook(owner: Account, *event_types: str, **fields: Any) -> Webhook:
    """Make a webhook, of runs that succeed when no event is named: `make_webhook(ada, actor=actor)`."""
    values = {"request_url": "https://example.com/hook", **fields}
    return Webhook.objects.create(owner=owner, event_types=list(event_types or (events.RUN_SUCCEEDED,)), **values)


def make_default_storages(run: Run, **fields: Any) -> dict[Kind, Any]:
    """Make the default storages of a run, made when it was, by their kind."""
    values = {"run": run, "created_at": run.created_at, **fields}
    return {kind: make_resource(kind, run.owner, **values) for kind in STORAGES}


def give(resource: Resource, account: Account, *permissions: str | Permission) -> Grant:
    """Let the owner grant something: `give(dataset, ben, "READ", "WRITE")`; READ when no permission is named."""
    wanted = NOTHING
    for each in permissions or ("READ",):
        wanted |= each if isinstance(each, Permission) else parse([each], Kind(resource.kind))
    return grants.grant(resource, account, wanted, by=resource.owner.principal)[0]
