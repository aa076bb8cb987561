"""The Actors of the demo: programs that really run, their files in `actors/`, made and built like a user's."""

from pathlib import Path

from accounts.models import Account
from accounts.principal import Principal
from resources import permission_levels
from resources.actors import editing, versions
from resources.actors.fields import ActorChange
from resources.actors.source_files import SourceFile
from resources.actors.versions import VersionChange
from resources.builds import starting
from resources.models import Actor, Build
from resources.worker import execute_build

_ACTORS = Path(__file__).with_name("actors")
_VERSION = "0.1"
_CATEGORIES = {
    "account-inventory": ["OTHER"],
    "character-finder": ["DEVELOPER_TOOLS"],
    "forgetful-counter": ["DEVELOPER_TOOLS"],
    "zone-collector": ["OTHER"],
}


def make(
    owner: Account,
    name: str,
    *,
    title: str,
    description: str,
    is_public: bool = False,
    level: str = permission_levels.LIMITED,
) -> tuple[Actor, Build]:
    """Make an Actor of the demo with its version, and build it; they need nothing installed, so that takes no time."""
    by = Principal(owner.pk, owner.username, owner.email)
    details = {"categories": _CATEGORIES[name]}
    change = ActorChange(
        title=title,
        description=description,
        is_public=is_public,
        permission_level=permission_levels.to_keep(level),
        details=details,
    )
    actor = editing.create(owner.pk, name, change, by=by)
    versions.add(actor, _VERSION, VersionChange(source_files=source_files(name)), by=by)
    build = starting.start(actor, _VERSION, by=by)
    execute_build.execute(build.pk)
    build.refresh_from_db()
    return actor, build


def source_files(name: str) -> list[SourceFile]:
    """Return the files of an Actor of the demo, in the order of their names."""
    root = _ACTORS / name
    paths = sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return [SourceFile(path.relative_to(root).as_posix(), "TEXT", path.read_text(encoding="utf-8")) for path in paths]
