"""Runs as the API writes them: one in full, and many in a list."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings

from accounts.lib.timestamps import iso
from console.api.resources.serializers import serialize_basics
from resources.actors.pricing import pricing_at
from resources.builds.numbers import number_as_int
from resources.kinds import KINDS, STORAGES, Kind
from resources.models import Actor, Dataset, KeyValueStore, RequestQueue, Resource, Run
from resources.runs.queue_place import find_queue_place
from resources.runs.run_storages import load_ids
from resources.runs.usage import get_stats, get_usage
from sharing.access import Access
from sharing.lists import Listed
from sharing.owner_only import acts_for, is_owner

_STORAGE_FIELDS = {
    Kind.DATASET: "defaultDatasetId",
    Kind.KEY_VALUE_STORE: "defaultKeyValueStoreId",
    Kind.REQUEST_QUEUE: "defaultRequestQueueId",
}


class _InList(NamedTuple):
    """What a list needs of a run besides what it was found by. A whole model for each row would take twice as long."""

    pk: str
    list_owner: str
    list_actor: str
    list_task: str
    list_at: datetime | None
    status: str
    finished_at: datetime | None
    build_id: str | None
    build_number: str
    status_message: str
    origin: str
    schedule_id: str
    scheduled_at: datetime | None


def serialize_run(run: Run, access: Access) -> dict[str, Any]:
    """Return a run with all that may be known of it.

    What it has used is for those who say who they are, and where it was started from for its owner alone.
    """
    storages = _load_storages(run)
    ids = {storage.kind: storage.pk for storage in storages if storage.alias is None}
    described = {
        **serialize_basics(run),
        **_serialize_summary(run, ids),
        "statusMessage": run.status_message or None,
        "isStatusMessageTerminal": run.is_status_message_terminal or None,
        "meta": _serialize_meta(run) | (_serialize_client(run) if is_owner(access.principal, access.facts) else {}),
        "stats": get_stats(run),
        "options": serialize_options(run),
        "exitCode": run.exit_code,
        "storageIds": {group: found for group, found in load_ids(run).items() if found},
        "chargedEventCounts": run.charged_events,
        "metamorphs": run.metamorphs or None,
        "gitBranchName": None,
        **_serialize_pricing(run),
    }
    if not access.principal.is_anonymous:
        if acts_for(access.principal, run.owner_id) and (place := find_queue_place(run)):
            described["queuePlace"] = place
        usage = get_usage(run, storages)
        # No account is billed.
        described |= {"usage": usage, "usageTotalUsd": 0.0, "usageUsd": dict.fromkeys(usage, 0.0)}
    return described


def serialize_runs(rows: Sequence[Listed]) -> list[dict[str, Any]]:
    """Return the runs of a list, in two queries however many they are; one that is gone meanwhile is left out."""
    ids = [row.id for row in rows]
    found = Run.objects.filter(pk__in=ids).values_list(*_InList._fields)
    runs = {run[0]: _InList(*run) for run in found}
    storages: dict[str, dict[str, str]] = {id_: {} for id_ in ids}
    of_runs = Resource.objects.filter(run_id__in=ids, alias=None, kind__in=STORAGES)
    for run_id, kind, storage_id in of_runs.values_list("run_id", "kind", "id"):
        storages[run_id][kind] = storage_id
    return [_serialize_list_item(runs[row.id], storages[row.id], row) for row in rows if row.id in runs]


def serialize_options(run: Run) -> dict[str, Any]:
    """Return what a run has been given, as the API has it."""
    options = {
        "build": run.build_option,
        "timeoutSecs": run.timeout_secs,
        "memoryMbytes": run.memory_mbytes,
        "diskMbytes": run.disk_mbytes,
        "restartOnError": run.restart_on_error,
    }
    if run.max_items is not None:
        options["maxItems"] = run.max_items
    if run.max_total_charge_usd is not None:
        options["maxTotalChargeUsd"] = run.max_total_charge_usd
    return options


def _serialize_list_item(run: _InList, storages: Mapping[str, str], row: Listed) -> dict[str, Any]:
    return {
        **_serialize_summary(run, storages),
        "username": row.owner_username,
        "statusMessage": run.status_message or None,
        "meta": _serialize_meta(run),
        "usageTotalUsd": 0.0,  # no account is billed
        "generalAccess": row.general_access,
        "consoleUrl": f"{settings.PUBLIC_URL}/{KINDS[Kind.RUN].console_path}/{run.pk}",
    }


def _serialize_summary(run: Run | _InList, storages: Mapping[str, str]) -> dict[str, Any]:
    """Return what a list says of a run as well. What has been deleted is still known by its ID, or by an empty one."""
    return {
        "id": run.pk,
        "actId": run.list_actor,
        "userId": run.list_owner,
        "actorTaskId": run.list_task or None,
        "status": run.status,
        # When it was asked for, which is what lists are sorted and filtered by; it stays when a run is resurrected.
        "startedAt": iso(run.list_at) if run.list_at else None,
        "finishedAt": iso(run.finished_at) if run.finished_at else None,
        "buildId": run.build_id or "",
        **_serialize_number(run.build_number),
        **{field: storages.get(kind, "") for kind, field in _STORAGE_FIELDS.items()},
    }


def _serialize_number(number: str) -> dict[str, Any]:
    return {"buildNumber": number, "buildNumberInt": number_as_int(number)} if number else {}


def _serialize_pricing(run: Run) -> dict[str, Any]:
    """Return what the Actor cost when the run was asked for: without it the SDKs charge for no events."""
    details = Actor.objects.filter(pk=run.actor_id).values_list("details", flat=True).first() if run.actor_id else None
    pricing = pricing_at(details, run.created_at) if details else None
    return {"pricingInfo": pricing} if pricing else {}


def _serialize_meta(run: Run | _InList) -> dict[str, Any]:
    meta: dict[str, Any] = {"origin": run.origin}
    if run.schedule_id:
        meta |= {"scheduleId": run.schedule_id, "scheduledAt": iso(run.scheduled_at) if run.scheduled_at else None}
    return meta


def _serialize_client(run: Run) -> dict[str, Any]:
    return {"clientIp": run.client_ip or None, "userAgent": run.user_agent or None}


def _load_storages(run: Run) -> list[Resource]:
    found: list[Resource] = []
    of_run: Iterable[type[Resource]] = (Dataset, KeyValueStore, RequestQueue)
    for model in of_run:
        found += model.objects.filter(run_id=run.pk)
    return found
