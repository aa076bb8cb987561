"""The list of Actors: one's own, those shared with one, and above them those that one has used lately."""

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.principal import Principal
from accounts.request_types import PageRequest
from console.pages.actors.tabs import get_title
from console.pages.actors.templates import STARTERS, template_files
from console.pages.components import dialogs
from console.pages.components.forms import BaseForm
from console.pages.components.listing import get_listing, render_list
from console.pages.components.shared_rows import how_shared
from console.pages.components.tables import Row, build_rows
from resources.actors import editing, versions
from resources.actors.fields import MAX_TITLE, ActorChange
from resources.actors.versions import VersionChange
from resources.edit_locked import NameTaken
from resources.kinds import Kind
from resources.models import Actor, Resource
from resources.storages import MAX_NAME_LENGTH, InvalidName
from sharing.decide_many import ids_allowed
from sharing.declare import creates, lists
from sharing.lists import Listed
from sharing.permissions import Permission

FIRST_VERSION = "0.1"
RECENTLY_USED = 6
# How many of one's last runs are looked through for the Actors that they are of.
_LAST_RUNS = 200


@dataclass(frozen=True, slots=True)
class ActorRow(Row):
    """An Actor in the list; `how` says how it is shared with who does not own it."""

    actor: Actor
    how: str

    @property
    def title(self) -> str:
        """What to call it."""
        return get_title(self.actor)


class NewActorForm(BaseForm):
    """What a new Actor is called, and what it begins with."""

    name = forms.CharField(
        label="Name",
        max_length=MAX_NAME_LENGTH,
        help_text=f"{editing.NAME_RULES} It is part of the Actor's address.",
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off", "spellcheck": "false"}),
    )
    title = forms.CharField(
        label="Title", required=False, max_length=MAX_TITLE, help_text="What people read. Without one it is the name."
    )
    starter = forms.ChoiceField(
        label="Begin with",
        choices=[(key, f"{each.label}. {each.explanation}") for key, each in STARTERS.items()],
        initial="python",
        widget=forms.RadioSelect,
    )


@lists(Kind.ACTOR)
@require_safe
def list_actors(request: PageRequest) -> HttpResponse:
    """Show one's Actors and those shared with one."""
    listing = get_listing(request, Kind.ACTOR)
    used = [] if request.htmx or listing.context["is_filtered"] else recently_used(request.principal)
    rows = _rows(listing.found, request.principal)
    return render_list(request, "actors", {**listing.context, "rows": rows, "recently_used": used})


@creates(Kind.ACTOR)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: PageRequest) -> HttpResponse:
    """Make an Actor of one's own, with a first version that can be built at once."""
    form = NewActorForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        actor = _create(request, form)
        if actor is not None:
            messages.success(request, f"Actor “{get_title(actor)}” was created. Build it, then start it.")
            return dialogs.redirect_from_dialog(request, f"{actor.console_path}/source")
    return dialogs.render_dialog(request, "actors/_create.html", title="New Actor", form=form)


def recently_used(principal: Principal) -> list[Actor]:
    """Return the Actors of an account's last runs, the latest first, in so far as the account can still open them."""
    runs = Resource.objects.filter(owner_id=principal.account_id, kind=Kind.RUN, actor__isnull=False)
    ids = list(dict.fromkeys(runs.order_by("-created_at").values_list("actor_id", flat=True)[:_LAST_RUNS]))
    found = Actor.objects.select_related("owner").in_bulk(ids)
    readable = ids_allowed(found.values(), principal, Permission.READ)
    return [found[id_] for id_ in ids if id_ in readable][:RECENTLY_USED]


def _rows(found: Sequence[Listed], principal: Principal) -> list[ActorRow]:
    actors = Actor.objects.select_related("owner", "run").in_bulk([each.id for each in found])
    there = [actors[each.id] for each in found if each.id in actors]
    how = how_shared([each for each in found if each.owner_id != principal.account_id], principal.account_id or "")
    return [
        ActorRow(row.resource, row.badge, row.is_mine, row.can_write, row.can_share, actor, how.get(actor.pk, ""))
        for row, actor in zip(build_rows(there, principal), there, strict=True)
    ]


def _create(request: PageRequest, form: NewActorForm) -> Actor | None:
    data, by = form.cleaned_data, request.principal
    try:
        with transaction.atomic():
            actor = editing.create(request.account.pk, data["name"], ActorChange(title=data["title"]), by=by)
            files = template_files(data["starter"], data["name"])
            versions.add(actor, FIRST_VERSION, VersionChange(source_files=files, build_tag="latest"), by=by)
            return actor
    except (InvalidName, NameTaken) as problem:
        form.add_error("name", str(problem))
        return None
