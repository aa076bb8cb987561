"""What an API token may do, in sentences that are made of its scope."""

from collections.abc import Mapping

from accounts.models import ActorRuns, ApiToken
from accounts.principal import CREATE, Principal
from resources.kinds import KINDS, Kind
from resources.models import Resource
from sharing.narrowings.role import roles_let
from sharing.permissions import Permission, parse
from sharing.visibility.labels import permission_verbs

EVERYTHING = "It can do everything that the account can do."
DEFAULT_STORAGES = "Where the token can read or write a run, it can do the same with the run's default storages."


def scope_sentences(token: ApiToken, names: Mapping[str, str]) -> list[str]:
    """Return what a token may be used for; `names` are those of resources, by their IDs."""
    if token.scope is None:
        return [EVERYTHING]
    said = [
        sentence
        for entry in token.scope
        for sentence in _of_entry(Kind(entry["kind"]), entry["permissions"], entry.get("resourceId"), names)
    ]
    if token.default_run_storages:
        said.append(DEFAULT_STORAGES)
    if token.actor_runs == ActorRuns.FULL:
        said.append(
            "Runs that it starts can do all that their Actors can, except where it can write or build the Actor or has "
            "created it."
        )
    else:
        said.append("Runs that it starts can do no more than the token.")
    return said


def names_in_scopes(tokens: list[ApiToken], by: Principal) -> dict[str, str]:
    """Return the names of the resources that scopes name, by their IDs, in one query.

    They are those of the account alone, of kinds that the roles of `by` let it read.
    """
    ids = {each["resourceId"] for token in tokens for each in token.scope or () if each.get("resourceId")}
    found = Resource.objects.filter(pk__in=ids, owner_id=by.account_id) if ids else ()
    return {each.pk: each.name for each in found if each.name and roles_let(by, Permission.READ, Kind(each.kind))}


def _of_entry(kind: Kind, names: list[str], resource_id: str | None, known: Mapping[str, str]) -> list[str]:
    info = KINDS[kind]
    what = f"the {info.short} {known.get(resource_id, resource_id)}" if resource_id else f"all {info.short_plural}"
    held = [name for name in names if name != CREATE]
    said = [f"It can {permission_verbs(parse(held, kind))} {what}."] if held else []
    if CREATE in names:
        said.append(f"It can create {info.short_plural}, and do everything with those.")
    return said
