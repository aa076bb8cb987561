"""Which build of an Actor is meant by a tag or a number."""

import re
from typing import Any

from django.db.models import QuerySet

from resources.jobs.status import JobStatus
from resources.models import Actor, Build

NUMBER = re.compile(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,5}\Z", re.ASCII)


def build_for(actor: Actor, option: str, model: Any = Build) -> Build | None:
    """Return the build that `option` names, a tag or a number, if it succeeded; "" is the Actor's default one.

    `model` is Build, in a migration as it was then.
    """
    option = option or actor.default_build
    if len(option) > 40 or "\x00" in option:
        return None
    found: QuerySet[Build] = model.objects.filter(actor_id=actor.pk, status=JobStatus.SUCCEEDED)
    if NUMBER.match(option):
        numbered = found.filter(number=option).order_by("-created_at").first()
        if numbered is not None:
            return numbered
    return found.filter(tags__actor_id=actor.pk, tags__tag=option).first()
