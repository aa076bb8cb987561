"""What an API token has left: what it made, what it started that goes on, and the storages that it signs links to."""

from dataclasses import dataclass
from typing import Final

from accounts.models import ApiToken
from accounts.principal import Principal
from resources.jobs.status import FINISHED
from resources.kinds import Kind
from resources.models import Resource, Run
from sharing.models import StorageKey
from sharing.narrowings.role import roles_let
from sharing.permissions import Permission

MOST_SHOWN: Final = 20
MOST_COUNTED: Final = 1000


@dataclass(frozen=True, slots=True)
class Traces:
    """What a token has left, each the newest MOST_SHOWN; numbers count to MOST_COUNTED at most."""

    made: list[Resource]
    made_count: int
    runs: list[Run]
    run_count: int
    signed: list[Resource]
    signed_count: int

    @property
    def most(self) -> int:
        """How far is counted."""
        return MOST_COUNTED


def load_traces(token: ApiToken, by: Principal) -> Traces:
    """Return what a token has left of what its account owns, in six statements: of kinds that `by` may read."""
    kinds = [kind for kind in Kind if roles_let(by, Permission.READ, kind)]
    made = Resource.objects.filter(created_by_token=token.pk, owner_id=token.account_id, kind__in=kinds)
    runs = Run.objects.filter(created_by_token=token.pk, started_by_token=token.pk).exclude(status__in=FINISHED)
    keys = StorageKey.objects.filter(account_id=token.account_id, token_id=token.pk).order_by("-used_at")
    signed = keys.values_list("resource_id", flat=True)
    storages = Resource.objects.filter(kind__in=kinds).in_bulk(list(signed[:MOST_SHOWN]))
    return Traces(
        list(made.order_by("-created_at")[:MOST_SHOWN]),
        made[:MOST_COUNTED].count(),
        list(runs.order_by("-created_at")[:MOST_SHOWN]),
        runs[:MOST_COUNTED].count(),
        list(storages.values()),
        signed.distinct().count() if storages else 0,
    )
