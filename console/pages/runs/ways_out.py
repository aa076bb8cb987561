"""What the owner of a run with limited permissions can do where the run was refused something, each by one click."""

from dataclasses import dataclass

from accounts.principal import Principal
from resources import permission_levels
from resources.models import Actor, Build, Run
from resources.runs.approvals import Remedy, approval_path, find_remedy
from resources.runs.input_names import named_fields
from resources.runs.inputs import get_input_schema
from sharing.policies.actor_levels import may_approve


@dataclass(frozen=True, slots=True)
class WayOut:
    """The pages that change it, "" for what does not: `fields` of the input can name a storage."""

    start_path: str
    fields: list[str]
    approval_path: str = ""
    settings_path: str = ""


def way_out(run: Run, by: Principal) -> WayOut | None:
    """Return what `by` can change of what a run may do; None where it had full permissions, or its Actor is gone."""
    actor = Actor.objects.filter(pk=run.current_actor_id).first()
    if run.permission_level != permission_levels.LIMITED or actor is None:
        return None
    fields = named_fields(get_input_schema(Build.objects.filter(pk=run.build_id).first()))
    remedy = find_remedy(actor, run.owner_id)
    return WayOut(
        f"{actor.console_path}/start",
        fields,
        approval_path=approval_path(actor.pk) if remedy is Remedy.APPROVE and may_approve(by) else "",
        settings_path=f"{actor.console_path}/settings" if remedy is Remedy.RAISE_LEVEL else "",
    )
