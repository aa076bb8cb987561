"""The variables that a run is given: those that Apify documents for Actors, those of the version, and no others.

None of the worker's own reaches it, but those that RUN_PASSES_ON names. A variable of the version cannot replace one
that says where the run is and whom it speaks for. Where a proxy is named, the API is reached without it.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import msgspec
from django.conf import settings
from django.db.models import F

from accounts.lib.timestamps import iso
from resources import permission_levels
from resources.models import Resource, Run, TaggedBuild
from resources.runs import input_secrets, run_storages
from resources.runs.callback_url import callback_base_url
from resources.runs.declared_storages import DEFAULT
from resources.runs.restarting import get_input_key
from resources.runs.tokens import make_run_token

_MEGABYTES_OF_ONE_CPU = 4096
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def program_environment(home: str, of_version: Mapping[str, str], first: Sequence[str] = ()) -> dict[str, str]:
    """Return the variables of any program of a job: a search path, a home, a language, and those of the version.

    `first` are directories that the search path begins with, as the program sees them.
    """
    # The interpreters first, so that `python` and `node` in a script are those that the Actor was started by.
    path = [*dict.fromkeys([os.path.dirname(sys.executable), *os.environ.get("PATH", os.defpath).split(os.pathsep)])]  # noqa: PTH120  # not resolved
    passed_on = {name: os.environ[name] for name in settings.RUN_PASSES_ON if name in os.environ}
    return {
        **passed_on,
        **of_version,
        "PATH": os.pathsep.join([*first, *(each for each in path if Path(each).is_dir())]),
        "HOME": home,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "NODE_ENV": of_version.get("NODE_ENV", "production"),
    }


def run_environment(
    run: Run,
    home: str,
    of_version: Mapping[str, str],
    first: Sequence[str] = (),
    events_url: str = "",
    proxy: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Return all variables of a run, its token among them.

    `first` are directories that the search path begins with, as the run sees them, and `events_url` is where it is told
    of events, "" for nowhere. `proxy` are the variables of its proxy; a version that has one of them has its own proxy.

    Raises:
        CannotDecrypt: when the key of its secret input fields was stored with a SECRET_KEY that is not known.
        RunOver: when the run has ended in the meantime.
    """
    said = {
        **_identity(run),
        **_storages(run),
        **input_secrets.decryption_variables(run),
        "APIFY_TOKEN": make_run_token(run),
        "ACTOR_PERMISSION_LEVEL": permission_levels.level_of(run.permission_level),
        "APIFY_API_BASE_URL": callback_base_url(run.pk),
        "APIFY_API_PUBLIC_BASE_URL": settings.PUBLIC_URL,
        "APIFY_IS_AT_HOME": "1",
        "APIFY_HEADLESS": "1",
        "APIFY_DISABLE_OUTDATED_WARNING": "1",
        "ACTOR_MEMORY_MBYTES": str(run.memory_mbytes),
        "APIFY_MEMORY_MBYTES": str(run.memory_mbytes),
        "APIFY_DEDICATED_CPUS": f"{run.memory_mbytes / _MEGABYTES_OF_ONE_CPU:g}",
        "ACTOR_MAX_PAID_DATASET_ITEMS": "" if run.max_items is None else str(run.max_items),
        "ACTOR_MAX_TOTAL_CHARGE_USD": "" if run.max_total_charge_usd is None else repr(run.max_total_charge_usd),
    }
    if events_url:
        said["ACTOR_EVENTS_WEBSOCKET_URL"] = said["APIFY_ACTOR_EVENTS_WS_URL"] = events_url
    if not any(name.startswith("APIFY_PROXY_") for name in of_version):
        said.update(proxy)
    if run.restart_on_error:
        said["ACTOR_RESTART_ON_ERROR"] = "1"
    if run.started_at is not None:
        said["ACTOR_STARTED_AT"] = said["APIFY_STARTED_AT"] = iso(run.started_at)
        if run.timeout_secs:
            ends = iso(run.started_at + timedelta(seconds=run.timeout_secs))
            said["ACTOR_TIMEOUT_AT"] = said["APIFY_TIMEOUT_AT"] = ends
    kept = {name: of_version[name] for name in ("APIFY_LOG_LEVEL", "ACTOR_LOG_LEVEL") if name in of_version}
    program = program_environment(home, of_version, first)
    return {**program, **_past_proxies(program, events_url), "APIFY_LOG_LEVEL": "INFO", **kept, **said}


def _past_proxies(variables: Mapping[str, str], events_url: str) -> dict[str, str]:
    """Return what has API and events asked directly where variables name a proxy: it need not reach or see them."""
    if not any(value for name, value in variables.items() if name.upper() in _PROXIES):
        return {}
    exempt_hosts = variables.get("no_proxy") or variables.get("NO_PROXY") or ""
    hosts = (urlsplit(settings.PUBLIC_URL).hostname, urlsplit(events_url).hostname)
    exempt = exempt_hosts if exempt_hosts == "*" else ",".join(filter(None, (exempt_hosts, *hosts)))
    return {"NO_PROXY": exempt, "no_proxy": exempt}


def _identity(run: Run) -> dict[str, str]:
    """Return which run this is, of what, and whose."""
    # A run that was turned into another Actor's is that Actor's to itself.
    actor_id = run.current_actor_id
    actor = Resource.objects.filter(pk=actor_id).values(username=F("owner__username"), actor_name=F("name")).first()
    named = f"{actor['username']}/{actor['actor_name']}" if actor else ""
    said = {
        "ACTOR_ID": actor_id,
        "ACTOR_FULL_NAME": named,
        "ACTOR_RUN_ID": run.pk,
        "ACTOR_BUILD_ID": run.build_id or "",
        "ACTOR_BUILD_NUMBER": run.build_number,
        "ACTOR_BUILD_TAGS": ",".join(_load_tags(run.build_id)),
        "ACTOR_TASK_ID": run.task_id or "",
        "ACTOR_INPUT_KEY": get_input_key(run),
    }
    older = {"APIFY_ACTOR_ID": actor_id, "APIFY_ACTOR_RUN_ID": run.pk, "APIFY_INPUT_KEY": said["ACTOR_INPUT_KEY"]}
    older |= {"APIFY_ACTOR_BUILD_ID": said["ACTOR_BUILD_ID"], "APIFY_ACTOR_BUILD_NUMBER": run.build_number}
    older |= {"APIFY_USER_ID": run.owner_id, "APIFY_META_ORIGIN": run.origin}
    if run.task_id:
        older["APIFY_ACTOR_TASK_ID"] = run.task_id
    return {**said, **older}


def _load_tags(build_id: str | None) -> list[str]:
    return list(TaggedBuild.objects.filter(build_id=build_id).order_by("tag").values_list("tag", flat=True))


def _storages(run: Run) -> dict[str, str]:
    """Return the ids of the default storages, by the names of today and those of before, and of all by alias."""
    names = {"datasets": "DATASET", "keyValueStores": "KEY_VALUE_STORE", "requestQueues": "REQUEST_QUEUE"}
    ids = run_storages.load_ids(run)
    found = {names[group]: by_alias[DEFAULT] for group, by_alias in ids.items() if DEFAULT in by_alias}
    by_name = {f"{prefix}_DEFAULT_{name}_ID": id_ for name, id_ in found.items() for prefix in ("ACTOR", "APIFY")}
    return {**by_name, "ACTOR_STORAGES_JSON": msgspec.json.encode(ids).decode()}
