"""The storages of a run, as far as the viewer may read them.

A user who has only the link of an open run may not read a storage that is Restricted by itself. So the decision
is asked for each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.lib.api_errors import ApiError
from accounts.principal import Principal
from console.pages.storages.labels import STORAGE_WORDS
from resources.kinds import KINDS, STORAGES, Kind, KindInfo
from resources.models import Resource, Run
from sharing.enforcement.require import get_or_refuse
from sharing.permissions import Permission


@dataclass(frozen=True, slots=True)
class RunStorage:
    """A storage of a run; `alias` is "" for a default one, and `resource` None where it may not be read."""

    id: str
    kind: Kind
    alias: str
    resource: Resource | None

    @property
    def info(self) -> KindInfo:
        """The row of its kind in the table of kinds."""
        return KINDS[self.kind]

    @property
    def path(self) -> str:
        """The path of its page."""
        return f"/{self.info.console_path}/{self.id}"

    @property
    def content(self) -> str:
        """How much it holds, such as "12 items"; empty where it may not be read."""
        return STORAGE_WORDS[self.kind].describe_content(self.resource) if self.resource else ""

    @property
    def size(self) -> int:
        """How many bytes that takes."""
        return STORAGE_WORDS[self.kind].get_stored_bytes(self.resource) if self.resource else 0


def default_storages(run: Run, principal: Principal, *kinds: Kind) -> list[RunStorage]:
    """Return the default storages of a run, in the order of the kinds that are named."""
    return [each for each in all_storages(run, principal, kinds) if not each.alias]


def all_storages(run: Run, principal: Principal, kinds: Sequence[Kind] = STORAGES) -> list[RunStorage]:
    """Return the storages of a run: by kind, the default one first, then those that its Actor declares, by alias."""
    found = Resource.objects.filter(run_id=run.pk, kind__in=kinds).values_list("kind", "alias", "pk")
    in_order = sorted((kinds.index(Kind(kind)), alias or "", id_) for kind, alias, id_ in found)
    return [RunStorage(id_, kinds[at], alias, _readable(principal, kinds[at], id_)) for at, alias, id_ in in_order]


def _readable(principal: Principal, kind: Kind, id_: str) -> Resource | None:
    try:
        return get_or_refuse(principal, kind, id_, Permission.READ)
    except ApiError:
        return None
