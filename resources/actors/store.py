"""The Store: all public Actors, searched and sorted."""

import re
from collections.abc import Callable
from enum import StrEnum

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Lower
from django.utils import timezone

from resources.actors.pricing import pricing_at
from resources.models import Actor, TaggedBuild

_FREE = {"pricingModel": "FREE"}
CATEGORY = re.compile(r"[A-Z0-9_]{1,50}\Z", re.ASCII)


class StoreOrder(StrEnum):
    """What comes first. RELEVANCE is by how well it fits what was searched, then by how often it was run."""

    RELEVANCE = "relevance"
    POPULARITY = "popularity"
    NEWEST = "newest"
    LAST_UPDATE = "lastUpdate"


def public_actors(
    *,
    search: str = "",
    username: str = "",
    category: str = "",
    pricing_model: str = "",
    order: StoreOrder = StoreOrder.RELEVANCE,
) -> QuerySet[Actor]:
    """Return the public Actors, with their owners, that all of this is true of.

    `search` is a part of the name, the title, the description, the owner's username or the readme of the default build,
    in any case. `category` is one of the Actor's categories. `pricing_model` is that of the price in force now;
    an Actor without one is "FREE".
    """
    found = Actor.objects.filter(is_public=True, owner__is_active=True).select_related("owner")
    if search:
        found = found.filter(_contains(search))
    if username:
        found = found.alias(owner_lowered=Lower("owner__username")).filter(owner_lowered=username.lower())
    if category:
        # Details are JSON without spaces, and no category has a bracket in it.
        found = found.filter(details__regex=rf'"categories":\[[^]]*"{category}"')
    if pricing_model:
        found = _with_pricing_model(found, pricing_model)
    return _ORDERS[order](found, search)


def _with_pricing_model(found: QuerySet[Actor], pricing_model: str) -> QuerySet[Actor]:
    """Leave those Actors whose price in force now is of a model.

    Which price that is only Python can tell, from texts of times in any zone. So what has any prices is read.
    """
    now = timezone.now()
    priced = found.filter(details__contains='"pricingInfos":[{').values_list("pk", "details")
    models = {pk: (pricing_at(details, now) or _FREE)["pricingModel"] for pk, details in priced.iterator()}
    if pricing_model == _FREE["pricingModel"]:
        return found.exclude(pk__in=[pk for pk, model in models.items() if model != pricing_model])
    return found.filter(pk__in=[pk for pk, model in models.items() if model == pricing_model])


def _contains(search: str) -> Q:
    tagged = TaggedBuild.objects.filter(actor=OuterRef("pk"), tag=OuterRef("default_build"))
    return (
        Q(name__icontains=search)
        | Q(title__icontains=search)
        | Q(description__icontains=search)
        | Q(owner__username__icontains=search)
        | Q(Exists(tagged.filter(build__content__readme__icontains=search)))
    )


def _by_relevance(found: QuerySet[Actor], search: str) -> QuerySet[Actor]:
    if not search:
        return found.order_by("-run_count", "-created_at", "pk")
    fits = Case(
        When(Q(name__iexact=search) | Q(title__iexact=search), then=Value(0)),
        When(Q(name__icontains=search) | Q(title__icontains=search), then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return found.alias(fits=fits).order_by("fits", "-run_count", "-created_at", "pk")


_ORDERS: dict[StoreOrder, Callable[[QuerySet[Actor], str], QuerySet[Actor]]] = {
    StoreOrder.RELEVANCE: _by_relevance,
    StoreOrder.POPULARITY: lambda found, search: found.order_by("-run_count", "-created_at", "pk"),
    StoreOrder.NEWEST: lambda found, search: found.order_by("-created_at", "pk"),
    StoreOrder.LAST_UPDATE: lambda found, search: found.order_by("-modified_at", "pk"),
}
