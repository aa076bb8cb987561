"""Ask users to confirm their identity before a sensitive action, and resume it afterwards."""

import time
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from django.http import HttpResponse, QueryDict
from django.urls import reverse

from accounts.request_types import PageRequest
from accounts.sign_in.reauthentication import is_fresh
from console.http.shown_account import SHOWN_FOR
from console.pages.components.dialogs import redirect_from_dialog

LONGEST_KEPT = 20_000  # characters of a form
LONGEST_WAIT = 1800  # seconds until what was not confirmed is forgotten
_KEPT = "waits_for_confirmation"


def ask_first(request: PageRequest, view_name: str, *args: str, section: str) -> HttpResponse | None:
    """Return the way through a confirmation and back to `view_name`, or None when the sign-in is fresh.

    `args` are those of the view's URL.

    What the form holds is kept in the session meanwhile, so that the page can fill it in again and ask to press Save.
    So it is not for forms with a secret in them. No address says that the user has confirmed, for a link could too.
    """
    if is_fresh(request):
        return None
    sent = {name: values for name, values in request.POST.lists() if name not in ("csrfmiddlewaretoken", SHOWN_FOR)}
    if len(str(sent)) > LONGEST_KEPT:
        sent = {}
    account_id = request.principal.account_id
    request.session[_KEPT] = {"section": section, "sent": sent, "at": time.time(), "account": account_id}
    ways = get_adapter().get_reauthentication_methods(request.user)
    return redirect_from_dialog(request, f"{ways[0]['url']}?{urlencode({'next': reverse(view_name, args=args)})}")


def back_from_confirmation(request: PageRequest, section: str) -> QueryDict | None:
    """Return what the user was about to send from this section of a page, when they have just confirmed who they are.

    It is told once: a page that is loaded again shows what is saved.
    """
    kept = request.session.get(_KEPT)
    if request.method != "GET" or not kept or kept["section"] != section or not is_fresh(request):
        return None
    if kept.get("account") != request.principal.account_id:
        return None
    del request.session[_KEPT]
    if time.time() - kept["at"] > LONGEST_WAIT:
        return None
    sent = QueryDict(mutable=True)
    for name, values in kept["sent"].items():
        sent.setlist(name, values)
    return sent
