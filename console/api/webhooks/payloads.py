"""What webhooks tell of runs and builds: what the API answers to their owner, to whom alone webhooks are sent."""

from typing import Any

from console.api.builds import views as build_views
from console.api.runs.serializers import run_in_full
from resources.kinds import Kind
from resources.models import Build, Resource, Run
from resources.webhooks.descriptions import describe_by
from sharing.access import Access, AddressedBy
from sharing.facts import facts_of


def register() -> None:
    """Have webhooks describe runs and builds as the API does; called once when a process starts."""
    describe_by(Kind.RUN, _run)
    describe_by(Kind.BUILD, _build)


def _run(run: Run) -> dict[str, Any]:
    return run_in_full(run, _access(run))


def _build(build: Build) -> dict[str, Any]:
    return build_views.described(_access(build))


def _access(job: Resource) -> Access:
    owner = job.owner.principal
    return Access(owner, job, facts_of(job, owner.account_id), AddressedBy.ID)
