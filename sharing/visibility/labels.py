"""What permissions and levels are called, in the words of the console and of its e-mails."""

from datetime import UTC, datetime

from django.utils.dateformat import format as date_format

from accounts.principal import CREATE
from resources.kinds import KINDS, Kind
from sharing.permissions import Permission

LABELS = {
    Permission.READ: "Read",
    Permission.WRITE: "Write",
    Permission.RUN: "Run",
    Permission.BUILD: "Build",
    Permission.VIEW_OWNER_RUNS: "View owner runs",
    Permission.MANAGE_ACCESS_RIGHTS: "Manage access",
}
_VERBS = {
    Permission.READ: "read",
    Permission.WRITE: "write",
    Permission.RUN: "run",
    Permission.BUILD: "build",
    Permission.VIEW_OWNER_RUNS: "view the owner's runs",
    Permission.MANAGE_ACCESS_RIGHTS: "manage access",
}
_READ = {
    Kind.ACTOR: "See the Actor, its settings and its builds.",
    Kind.TASK: "See the task and its input.",
    Kind.SCHEDULE: "See the schedule and what it starts.",
    Kind.BUILD: "See the build, its log and its source.",
    Kind.RUN: "See the run, its log, input and output, and its storages.",
}
_WRITE = {
    Kind.ACTOR: "Change and delete the Actor.",
    Kind.TASK: "Change and delete the task.",
    Kind.SCHEDULE: "Change and delete the schedule.",
    Kind.BUILD: "Abort, change and delete the build.",
    Kind.RUN: "Abort, resurrect, change and delete the run.",
}


def scope_label(name: str) -> str:
    """Return what a permission in the scope of a token is called."""
    return "Create" if name == CREATE else LABELS[Permission[name]]


def permissions_label(permissions: Permission) -> str:
    """Return what an account can do as the end of a sentence: "can read, write and manage access"."""
    return f"can {permission_verbs(permissions)}"


def permission_verbs(permissions: Permission) -> str:
    """Return permissions as a list in words: "read, write and manage access". Any permission implies reading."""
    verbs = [_VERBS[permission] for permission in Permission if permission in permissions | Permission.READ]
    return verbs[0] if len(verbs) == 1 else f"{', '.join(verbs[:-1])} and {verbs[-1]}"


def permission_help(permission: Permission, kind: Kind) -> str:
    """Return one sentence that says what a permission allows on a resource of a kind."""
    noun = KINDS[kind].noun
    match permission:
        case Permission.READ:
            return _READ.get(kind, f"See the {noun} and its content.")
        case Permission.WRITE:
            return _WRITE.get(kind, f"Add to, change, rename and delete the {noun}.")
        case Permission.RUN:
            return "Start it. Each run belongs to the account that starts it."
        case Permission.BUILD:
            return "Make new builds, and change and delete its builds."
        case Permission.VIEW_OWNER_RUNS:
            return f"See every run of this {noun} that belongs to its owner, with its log and storages; no other runs."
        case _:
            return "Share it with others" + (" and change its general access." if KINDS[kind].general_access else ".")


def end_label(expires_at: datetime | None) -> str:
    """Return until when a grant counts: "until 5 Dec 2026, 12:00 UTC"; empty for one without an end."""
    return f"until {format_moment(expires_at)}" if expires_at else ""


def format_moment(moment: datetime) -> str:
    """Return a moment as people read it: "5 Dec 2026, 12:00 UTC"."""
    return f"{date_format(moment.astimezone(UTC), 'j M Y, H:i')} UTC"
