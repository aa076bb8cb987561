"""Health checks for monitoring: whether the process answers, whether the database does, and whether all is ready."""

from http import HTTPStatus

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from accounts.lib.api_errors import RETRY_AFTER_SECONDS
from console import readiness
from sharing.declare import public

_AGAIN = {"Retry-After": RETRY_AFTER_SECONDS}


@public("a load balancer has no account")
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """Answer 200, for the process answers; it asks nothing else."""
    return JsonResponse({"status": "ok"})


@public("a load balancer has no account")
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "database unavailable"}, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=_AGAIN)
    return JsonResponse({"status": "ok"})


@public("monitoring has no account, and the sentences name no host, account or secret")
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when everything is ready, else 503; each check by its name, with why it is not."""
    checks = readiness.look()
    is_ready = all(check.ok for check in checks.values())
    found = {name: {"ok": True} if check.ok else {"ok": False, "why": check.why} for name, check in checks.items()}
    return JsonResponse(
        {"status": "ok" if is_ready else "not ready", "checks": found},
        status=HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE,
        headers={} if is_ready else _AGAIN,
    )
