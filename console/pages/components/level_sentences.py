"""What a run may do with the account that starts it, in sentences worded from what its narrowing lets pass."""

from accounts.principal import RunIdentity
from resources import permission_levels
from resources.kinds import Kind
from resources.models import Actor
from sharing.narrowings import run as runs
from sharing.permissions import Permission


def run_sentences(actor: Actor, level: str | None, account_id: str) -> list[str]:
    """Say what a run of an Actor may do in an account, with a permission level as a model keeps it."""
    is_of_other = actor.owner_id != account_id
    identity = RunIdentity("", is_of_other, "", actor.pk, actor.owner_id, is_limited=level == permission_levels.LIMITED)
    if not runs.lets_all(identity, Permission.READ):
        return [*(row.sentence for row in runs.LIMITED_ROWS), "It sees nothing else of your account."]
    said = ["It can read and change all that your account can: Actors, tasks, runs and storages."]
    if is_of_other:
        said = ["It can read all of your account, and change and delete your tasks, runs and storages."]
    if runs.lets_all(identity, Permission.MANAGE_ACCESS_RIGHTS):
        said.append("It can also change who has access to them.")
    else:
        said.append("It cannot change who has access to anything.")
    if not runs.lets_create(identity, Kind.SCHEDULE):
        said.append("It cannot make or change Actors and schedules.")
    return said


def limited_sentence() -> str:
    """Say in one sentence what a run with limited permissions reaches in the account that starts it."""
    *all_but_last, last = (row.reaches for row in runs.LIMITED_ROWS)
    return f"A run with limited permissions reaches {', '.join(all_but_last)}, and {last}, and nothing else."


def level_label(level: str | None) -> str:
    """Return what a page calls a permission level, as a model keeps it."""
    return "Limited permissions" if level == permission_levels.LIMITED else "Full permissions"
