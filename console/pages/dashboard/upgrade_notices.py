"""The notices about an upgrade on a user's dashboard, and closing them."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.deployment import upgrade_notices
from accounts.request_types import PageRequest
from sharing.declare import account_wide


def notices_for(account_id: str) -> list[dict[str, object]]:
    """Return the notices that a user has not closed: `[{"id": int, "title": str, "text": str}]`."""
    return [
        {"id": notice.pk, "title": upgrade_notices.title(notice), "text": upgrade_notices.text(notice)}
        for notice in upgrade_notices.unseen(account_id)
    ]


@account_wide
@require_POST
def close(request: PageRequest, notice_id: int) -> HttpResponse:
    """Close a notice of the user; htmx gets those that are left."""
    upgrade_notices.close(request.account.pk, notice_id)
    if not request.htmx:
        return redirect("dashboard")
    return render(request, "dashboard/_upgrade_notices.html", {"upgrade_notices": notices_for(request.account.pk)})
