"""Turn the arguments of a URL into the address of a resource.

Most name it by its ID or name. The others name it by what it belongs to: a default storage by its run, and a run by
being the last one of an Actor or task that belongs to the principal.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, QueryDict

from accounts.lib.api_errors import invalid_value
from accounts.lib.ids import looks_like_id
from accounts.models import Account
from accounts.principal import Principal
from resources.jobs.status import JobStatus, Origin
from resources.kinds import Kind
from resources.models import Resource, Run
from sharing.access import decide
from sharing.facts import ResourceAddress, fetch, parse_address, run_address
from sharing.permissions import Permission

# The names of what a URL pattern captures, besides `address` and `run`, and the kind that each names.
LAST_OF = {"last_of_actor": Kind.ACTOR, "last_of_task": Kind.TASK}
OF_ACTOR = "of_actor"
JOB = "job"
_JOBS = (Kind.RUN, Kind.BUILD)
# Where a run may have been asked for elsewhere; nothing here ever was.
_OTHER_ORIGINS = frozenset({"STANDBY"})


def needs_principal(kwargs: dict[str, Any]) -> bool:
    """Tell whether an address means nothing without knowing who asks."""
    return any(name in kwargs for name in LAST_OF)


def pop_kind(kwargs: dict[str, Any]) -> Kind:
    """Take the kind out of what a URL pattern gave or captured; what is neither a run nor a build is no run."""
    if JOB not in kwargs:
        return Kind(kwargs.pop("kind"))
    kwargs["address"] = kwargs.pop(JOB)
    found = Resource.objects.filter(pk=kwargs["address"], kind__in=_JOBS) if looks_like_id(kwargs["address"]) else None
    kind = found.values_list("kind", flat=True).first() if found is not None else None
    return Kind(kind) if kind else Kind.RUN


def pop_address(
    kind: Kind, kwargs: dict[str, Any], principal: Principal, request: HttpRequest
) -> ResourceAddress | None:
    """Take the address out of what a URL captured; None for what cannot name anything, or names nothing.

    Raises:
        ApiError: 400 when the query says what a last run cannot be.
    """
    if "run" in kwargs:
        return run_address(kind, kwargs.pop("run"))
    for name, parent in LAST_OF.items():
        if name in kwargs:
            return _last_run(kind, parent, kwargs.pop(name), principal, request.GET)
    if OF_ACTOR in kwargs:
        return _run_of_actor(kind, kwargs.pop("address"), kwargs.pop(OF_ACTOR), principal)
    return parse_address(kind, kwargs.pop("address"), principal)


def statuses_in(query: QueryDict) -> list[JobStatus]:
    """Return the statuses that `status` names, one or several with commas between them, or given several times.

    Raises:
        ApiError: 400 naming those that there are.
    """
    named = [word.strip() for text in query.getlist("status") for word in text.split(",") if word.strip()]
    if not set(named) <= set(JobStatus.values):
        raise invalid_value("status", f"each must be one of {', '.join(JobStatus.values)}.")
    return [JobStatus(word) for word in dict.fromkeys(named)]


def _last_run(kind: Kind, parent: Kind, text: str, principal: Principal, query: QueryDict) -> ResourceAddress | None:
    """Return the address of the last run of an Actor or task that the principal owns, or of its default storage."""
    statuses, origin = statuses_in(query), _origin_in(query)
    parent_id = _find_id(parent, text, principal)
    if parent_id is None or principal.is_anonymous:
        return None
    run_id = _newest(parent, parent_id, principal.account_id or "", statuses, origin)
    if run_id is None:
        return None
    return ResourceAddress(kind, id=run_id) if kind is Kind.RUN else run_address(kind, run_id)


def _newest(parent: Kind, parent_id: str, owner_id: str, statuses: list[JobStatus], origin: str) -> str | None:
    """Return the ID of an account's newest run that is asked for; each status is asked for by itself.

    So every statement reads an index in its order, and ends at the first run.
    """
    if not statuses and not origin:
        of_parent = {"actor_id" if parent is Kind.ACTOR else "task_id": parent_id}
        runs = Run.objects.filter(owner_id=owner_id, kind=Kind.RUN, **of_parent).order_by("-created_at", "-pk")
        return runs.values_list("pk", flat=True).first()
    each: Sequence[JobStatus | None] = statuses or (None,)
    found = [row for status in each for row in _first(parent, parent_id, owner_id, status, origin)]
    return str(max(found)[1]) if found else None


def _first(parent: Kind, parent_id: str, owner_id: str, status: JobStatus | None, origin: str) -> "QuerySet[Run, Any]":
    """Return when the newest run with a status, an origin or both was made, and its ID, if there is one."""
    asked: dict[str, Any] = {"list_actor" if parent is Kind.ACTOR else "list_task": parent_id}
    asked |= {"status": status} if status else {}
    asked |= {"origin": origin} if origin else {}
    runs = Run.objects.filter(list_owner=owner_id, **asked).order_by("-list_at", "-resource_ptr_id")
    return runs.values_list("list_at", "resource_ptr_id")[:1]


def _origin_in(query: QueryDict) -> str:
    origin = query.get("origin", "")
    if origin and origin not in {*Origin.values, *_OTHER_ORIGINS}:
        raise invalid_value("origin", f"it must be one of {', '.join(Origin.values)}.")
    return origin


def _run_of_actor(kind: Kind, text: str, actor: str, principal: Principal) -> ResourceAddress | None:
    """Return the address of a run that is named together with its Actor; None where it is none of that Actor's."""
    address, run_id = parse_address(kind, text, principal), _find_id(kind, text, principal)
    actor_id = actor if looks_like_id(actor) else _id_of_readable(Kind.ACTOR, actor, principal)
    if run_id is None or actor_id is None:
        return None
    return address if Resource.objects.filter(pk=run_id, actor_id=actor_id).exists() else None


def _id_of_readable(kind: Kind, text: str, principal: Principal) -> str | None:
    """Return the ID of what `text` names, if the principal may read it; names of other resources are not revealed."""
    address = parse_address(kind, text, principal)
    found = fetch(address, principal.account_id) if address else None
    if found is None or address is None:
        return None
    return found.facts.id if decide(principal, found.facts, Permission.READ, address.by).allowed else None


def _find_id(kind: Kind, text: str, principal: Principal) -> str | None:
    """Return the ID of what `text` names. It is for looking among what one may see anyway, and tells nothing itself."""
    address = parse_address(kind, text, principal)
    if address is None or address.id:
        return address.id if address else None
    owner = Account.objects.alias(lowered=Lower("username")).filter(lowered=address.username.lower())
    named = Resource.objects.filter(owner__in=owner.values("pk"), kind=kind)
    if kind is Kind.ACTOR:
        named = named.alias(lowered=Lower("name")).filter(lowered=address.compared_name)
    else:
        named = named.filter(name=address.compared_name)
    return named.values_list("pk", flat=True).first()
