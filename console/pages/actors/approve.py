"""The page on which an account approves an Actor of another account for full permissions. Only a user can, here."""

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.organizations.permissions import AccountPermission
from console.pages.account.reauthenticate import ask_first, back_from_confirmation
from console.pages.actors.tabs import get_title
from console.pages.components import dialogs
from console.pages.components.level_sentences import run_sentences
from resources.kinds import Kind
from resources.models import Actor
from resources.runs import approvals
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission

SECTION = "actor-approval"


@needs(Kind.ACTOR, Permission.RUN, account_wide=True, account_permission=AccountPermission.MANAGE_ORGANIZATION)
@require_http_methods(["GET", "HEAD", "POST"])
def approve(request: ResourcePageRequest[Actor]) -> HttpResponse:
    """Say what the Actor could do, then approve it, after a recent sign-in."""
    actor, by = request.resource, request.principal
    if request.method == "POST":
        asked = ask_first(request, "actor-approve", actor.pk, section=SECTION)
        if asked:
            return asked
        approvals.approve(actor, by=by)
        messages.success(request, f"{get_title(actor)} is approved. Start it again.")
        return dialogs.redirect_from_dialog(request, actor.console_path)
    return dialogs.render_dialog(
        request,
        "actors/_approve.html",
        title=f"Approve {get_title(actor)}?",
        actor=actor,
        owner=request.access.facts.owner_username,
        needs_approval=not actor.permission_level and not approvals.is_approved(actor, by.account_id or ""),
        sentences=run_sentences(actor, None, by.account_id or ""),
        confirmed=back_from_confirmation(request, SECTION) is not None,
    )
