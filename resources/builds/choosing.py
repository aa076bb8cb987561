"""Which build of an Actor is meant by a tag or a number."""

import re

from resources.jobs import JobStatus
from resources.models import Actor, Build

NUMBER = re.compile(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,5}\Z", re.ASCII)


def build_for(actor: Actor, option: str) -> Build | None:
    """Return the build that `option` names, a tag or a number, if it succeeded; "" is the Actor's default one."""
    option = option or actor.default_build
    if len(option) > 40 or "\x00" in option:
        return None
    found = Build.objects.filter(actor_id=actor.pk, status=JobStatus.SUCCEEDED)
    if NUMBER.match(option):
        numbered = found.filter(number=option).order_by("-created_at").first()
        if numbered is not None:
            return numbered
    return found.filter(tags__actor_id=actor.pk, tags__tag=option).first()
