"""The Store: public Actors, to be found and tried by everyone who is signed in.

Anyone may read a public Actor, without an account too; the API's `/v2/store` says so to everyone. The console asks
for an account all the same, as it does for the page of every resource: what one does here is to start Actors.
"""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts.request_types import PageRequest
from console.pages.components.listing import LONGEST_SEARCH
from console.pages.components.tables import Paging
from resources.actors.store import StoreOrder, public_actors
from sharing.declare import any_token

TILES = 24


@any_token("the Store shows what every user may see")
@require_safe
def list_store(request: PageRequest) -> HttpResponse:
    """Show a page of the public Actors, or for htmx, when the search has changed, its tiles alone."""
    search = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
    wanted = request.GET.get("sort", "")
    order = StoreOrder(wanted) if wanted in set(StoreOrder) else StoreOrder.RELEVANCE
    found = public_actors(search=search, order=order)
    paging = Paging.of(request.GET, found.count(), TILES)
    context = {
        "actors": found[paging.offset : paging.offset + paging.size],
        "paging": paging,
        "search": search,
        "order": order,
        "orders": ((StoreOrder.RELEVANCE, "Most runs"), (StoreOrder.NEWEST, "Newest")),
    }
    response = render(request, "actors/_store_tiles.html" if request.htmx else "actors/store.html", context)
    patch_vary_headers(response, ("HX-Request",))
    return response
