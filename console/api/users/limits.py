"""What an account may have at most.

A limit that this server does not have is MAX_NUMBER, the largest number that every JSON client can tell from its
neighbours, because the clients' models want a number.
"""

from typing import Final

from django.conf import settings

from console.http.pagination import MAX_NUMBER
from resources.memory import MAX_MEMORY_MBYTES

# What the API calls the most runs and builds at once, in the limits of an account and in its plan.
_AT_ONCE, _AT_ONCE_IN_PLAN = "maxConcurrentActorJobs", "maxConcurrentActorRuns"
_SEATS, _SEATS_IN_PLAN = "maxTeamAccountSeatCount", "teamAccountSeatCount"
UNCHANGEABLE: Final[dict[str, float]] = {"maxMonthlyUsageUsd": MAX_NUMBER, "dataRetentionDays": MAX_NUMBER}


def get_limits() -> dict[str, float]:
    """Return what the account may have at most, as the deployment has set it, by the names of the API."""
    limits = dict(_LIMITS)
    if settings.ACCOUNT_MAX_RUNS:
        limits[_AT_ONCE] = settings.ACCOUNT_MAX_RUNS
    if settings.ACCOUNT_MAX_MEMORY_MBYTES:
        limits["maxActorMemoryGbytes"] = settings.ACCOUNT_MAX_MEMORY_MBYTES / 1024
    return limits


def get_limits_of_plan() -> dict[str, float]:
    """Return the same by the names that they have in a plan."""
    names = {_AT_ONCE: _AT_ONCE_IN_PLAN, _SEATS: _SEATS_IN_PLAN}
    return {names.get(name, name): limit for name, limit in get_limits().items()}


_LIMITS: Final[dict[str, float]] = {
    "maxMonthlyActorComputeUnits": MAX_NUMBER,
    "maxMonthlyExternalDataTransferGbytes": MAX_NUMBER,
    "maxMonthlyProxySerps": 0,
    "maxMonthlyResidentialProxyGbytes": 0,
    "maxActorMemoryGbytes": MAX_MEMORY_MBYTES / 1024,
    "maxActorCount": MAX_NUMBER,
    "maxActorTaskCount": MAX_NUMBER,
    "maxScheduleCount": MAX_NUMBER,
    _AT_ONCE: MAX_NUMBER,
    _SEATS: 1,
    **UNCHANGEABLE,
}
