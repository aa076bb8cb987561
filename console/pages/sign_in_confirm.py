"""Asking who somebody is once more, before something sensitive, without losing what they were about to do."""

from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from accounts.freshness import is_fresh
from accounts.requests import PageRequest

LONGEST_RETURN_ADDRESS = 4000


def ask_first(request: PageRequest, view_name: str, *, section: str) -> HttpResponse | None:
    """Return the way through a confirmation and back to `view_name`, or None when the sign-in is fresh.

    What the form holds comes back in the address, so that the page can fill it in again and ask to press Save.
    So it is not for forms with a secret in them.
    """
    if is_fresh(request):
        return None
    kept = QueryDict(mutable=True)
    for name, values in request.POST.lists():
        if name != "csrfmiddlewaretoken":
            kept.setlist(name, values)
    kept["confirmed"] = section
    query = kept.urlencode()
    if len(query) > LONGEST_RETURN_ADDRESS:
        query = urlencode({"confirmed": section})
    back_to = f"{reverse(view_name)}?{query}#{section}"
    ways = get_adapter().get_reauthentication_methods(request.user)
    address = f"{ways[0]['url']}?{urlencode({'next': back_to})}"
    return HttpResponseClientRedirect(address) if request.htmx else HttpResponseRedirect(address)


def has_confirmed(request: PageRequest, section: str) -> bool:
    """Tell whether somebody has just come back from a confirmation to this section of a page."""
    return request.method == "GET" and request.GET.get("confirmed") == section and is_fresh(request)
