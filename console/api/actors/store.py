"""The Store: the public Actors of everybody."""

from typing import Any

import msgspec
from django.http import HttpResponse
from django.utils import timezone

from accounts.lib.api_errors import invalid_value
from accounts.request_types import ApiRequest
from console.api.actors.serializers import NO_NOTICE, serialize_stats
from console.http import json_responses
from console.http.pagination import Page, flag, parse_choice
from resources.actors.pricing import pricing_at
from resources.actors.store import CATEGORY, StoreOrder, public_actors
from resources.actors.users import count_users
from resources.models import Actor
from sharing.declare import public

_PRICING_MODELS = {name: name for name in ("FREE", "FLAT_PRICE_PER_MONTH", "PRICE_PER_DATASET_ITEM", "PAY_PER_EVENT")}
_MAX_TEXT = 200


@public("the owner who publishes an Actor puts it into the Store, for everyone to find")
def list_store(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the public Actors that fit what is asked for, in at most four queries.

    Nothing here is kept back for safety, and no Actor can be paid for by an agent, so `includeUnrunnableActors` changes
    nothing and `allowsAgenticUsers=true` finds nothing.
    """
    page = Page.from_query(request.GET)
    category = _text(request, "category")
    if category and not CATEGORY.match(category):
        raise invalid_value("category", "it must have 1 to 50 capital letters, digits and underscores.")
    flag(request.GET, "includeUnrunnableActors")
    found = public_actors(
        search=_text(request, "search"),
        username=_text(request, "username"),
        category=category,
        pricing_model=parse_choice(request.GET, "pricingModel", _PRICING_MODELS, ""),
        order=parse_choice(request.GET, "sortBy", {order.value: order for order in StoreOrder}, StoreOrder.RELEVANCE),
    )
    if flag(request.GET, "allowsAgenticUsers"):
        found = found.none()
    write = parse_choice(
        request.GET, "responseFormat", {"full": _serialize_in_full, "agent": _serialize_for_agents}, _serialize_in_full
    )
    rows = list(found[page.offset : page.offset + page.limit])
    users = count_users(rows)
    items = [write(actor, users[actor.pk]) for actor in rows]
    return json_responses.data_response(page.answer(found.count(), items))


def _text(request: ApiRequest, name: str) -> str:
    text = request.GET.get(name, "").strip()
    if len(text) > _MAX_TEXT or "\x00" in text:
        raise invalid_value(name, f"it must have at most {_MAX_TEXT} characters, and no NUL among them.")
    return text


def _serialize_for_agents(actor: Actor, users: int) -> dict[str, Any]:
    return {
        "id": actor.pk,
        "title": actor.title or actor.name,
        "name": actor.name,
        "username": actor.owner.username,
        "description": actor.description or None,
        "notice": NO_NOTICE,
        "badge": None,
        "categories": msgspec.json.decode(actor.details).get("categories") or [],
        "stats": serialize_stats(actor, users),
    }


def _serialize_in_full(actor: Actor, users: int) -> dict[str, Any]:
    return {
        **_serialize_for_agents(actor, users),
        "userFullName": actor.owner.username,
        "pictureUrl": None,
        "userPictureUrl": None,
        "url": actor.console_url,
        "currentPricingInfo": pricing_at(actor.details, timezone.now()) or {"pricingModel": "FREE"},
        "isWhiteListedForAgenticPayments": False,
    }
