"""What webhooks tell of runs and builds: what the API answers to their owner, to whom alone webhooks are sent."""

from typing import Any, TypeVar

from console.api.builds import views as build_views
from console.api.runs.serializers import serialize_run
from resources.kinds import Kind
from resources.models import Build, Run
from resources.webhooks.descriptions import describe_by
from sharing.access import Access, AddressedBy
from sharing.facts import load_facts

AnyJob = TypeVar("AnyJob", Run, Build)


def register() -> None:
    """Have webhooks describe runs and builds as the API does; called once when a process starts."""
    describe_by(Kind.RUN, _run)
    describe_by(Kind.BUILD, _build)


def _run(run: Run) -> dict[str, Any]:
    return serialize_run(run, _access(run))


def _build(build: Build) -> dict[str, Any]:
    return build_views.serialize_build(_access(build))


def _access(job: AnyJob) -> Access[AnyJob]:
    owner = job.owner.principal
    return Access(owner, job, load_facts(job, owner.account_id), AddressedBy.ID)
