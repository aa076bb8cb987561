"""Links to what a storage holds: the dialog that makes one, the list of those that were made, and their end."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from console.api.key_value_store_keys import record_url
from console.pages import dialogs, link_making
from console.pages.link_making import LifetimeForm
from console.pages.snippets import content_url
from console.pages.storage_words import STORAGE_WORDS
from console.pages.tables import Paging
from resources.kinds import Kind
from resources.models import GeneralAccess, Record
from resources.records.keys import can_be_key
from sharing import links
from sharing.access import Access
from sharing.declare import needs
from sharing.models import SignedLink
from sharing.overview import overview
from sharing.permissions import Permission
from sharing.requests import ResourcePageRequest
from sharing.signatures import Opens

READ, MANAGE = Permission.READ, Permission.MANAGE_ACCESS_RIGHTS
_CONTENT = {Kind.DATASET: "items", Kind.KEY_VALUE_STORE: "list of keys", Kind.REQUEST_QUEUE: "requests"}


@dataclass(frozen=True, slots=True)
class State:
    """What has become of a link, as a badge and in a sentence."""

    label: str
    tone: str
    icon: str
    explanation: str


ACTIVE = State("Active", "good", "check", "Whoever has it can open it.")
REVOKED = State("Revoked", "bad", "no-symbol", "It was revoked and opens nothing any more.")
EXPIRED = State("Expired", "neutral", "clock", "Its time is over.")
TOO_LONG = State("Blocked", "warning", "pause", "It would live longer than the owner allows links to live.")
WITHOUT_ACCESS = State("Blocked", "warning", "pause", "Whoever made it cannot read this any more.")


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link in the list. `opens` says what it opens."""

    link: SignedLink
    opens: str
    state: State
    is_mine: bool


@needs(None, READ)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: ResourcePageRequest) -> HttpResponse:
    """Make a link to the content of a storage, or with `record` in the query to one record of a key-value store."""
    resource, facts = request.resource, request.access.facts
    key = request.GET.get("record")
    if key is not None and not _is_record(request, key):
        raise Http404
    url = content_url(resource) if key is None else record_url(resource, key)
    form = LifetimeForm(request.POST if request.method == "POST" else None, cap=facts.owner_link_days)
    made = link_making.Made(url) if link_making.reads_by_link(request) else None
    if request.method == "POST" and made is None and form.is_valid():
        try:
            made = link_making.make(request, url, form.cleaned_data["lifetime"], record_key=key)
        except links.LinkRefused as refusal:
            form.add_error("lifetime", str(refusal))
    what = _CONTENT[facts.kind] if key is None else f"record {key}"
    return dialogs.answer(
        request,
        "links/_create.html",
        title=f"Link to the {what}",
        form=form,
        made=made,
        what=what,
        resource=resource,
        address=request.get_full_path(),
    )


@needs(None, READ)
@require_safe
def link_list(request: ResourcePageRequest) -> HttpResponse:
    """Show the links that were made to a storage: all of them to its managers, to others their own."""
    found = _visible(request.access).select_related("made_by").order_by("-created_at", "-pk")
    paging = Paging.of(request.GET, found.count())
    shown = list(found[paging.offset : paging.offset + paging.size])
    context = {
        "resource": request.resource,
        "info": request.resource.info,
        "words": STORAGE_WORDS[Kind(request.resource.kind)],
        "rows": _rows(shown, request),
        "paging": paging,
        "manages": request.access.allows(MANAGE),
        "by_link": link_making.reads_by_link(request),
        "cap": request.access.facts.owner_link_days,
    }
    return render(request, "links/links.html", context)


@needs(None, READ)
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: ResourcePageRequest, link_id: str) -> HttpResponse:
    """Ask, then end one link: one's own, or as a manager anybody's."""
    link = _visible(request.access).filter(pk=link_id).select_related("resource", "made_by").first()
    if link is None:
        raise Http404
    opens = _opens(link, request.access.facts.kind)
    if request.method == "POST":
        links.revoke(link, by=request.principal)
        messages.success(request, f"The link to the {opens} was revoked. It opens nothing any more.")
        return dialogs.go_to(request, _list_path(request))
    return dialogs.answer(
        request,
        "links/_revoke.html",
        title="Revoke this link?",
        resource=request.resource,
        link=link,
        opens=opens,
        back=_list_path(request),
    )


@needs(None, MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def revoke_all(request: ResourcePageRequest) -> HttpResponse:
    """Ask, then turn the key of a storage."""
    resource = request.resource
    if request.method == "POST":
        links.revoke_all(resource, by=request.principal)
        messages.success(request, "All links were revoked, and the signing key was changed.")
        return dialogs.go_to(request, _list_path(request))
    active = SignedLink.objects.filter(resource=resource, revoked_at=None, expires_at__gt=timezone.now()).count()
    return dialogs.answer(
        request,
        "links/_revoke_all.html",
        title="Revoke all links?",
        resource=resource,
        active=active,
        back=_list_path(request),
    )


def _is_record(request: ResourcePageRequest, key: str) -> bool:
    is_store = request.access.facts.kind is Kind.KEY_VALUE_STORE
    return is_store and can_be_key(key) and Record.objects.filter(store_id=request.resource.pk, key=key).exists()


def _visible(access: Access) -> QuerySet[SignedLink]:
    found = SignedLink.objects.filter(resource_id=access.facts.id)
    return found if access.allows(MANAGE) else found.filter(made_by_id=access.principal.account_id)


def _rows(shown: list[SignedLink], request: ResourcePageRequest) -> list[LinkRow]:
    me = request.principal.account_id
    readers = _readers(request) if any(link.made_by_id != me for link in shown) else None
    return [_row(link, request.access, readers) for link in shown]


def _row(link: SignedLink, access: Access, readers: set[str] | None) -> LinkRow:
    is_mine = link.made_by_id == access.principal.account_id
    return LinkRow(link, _opens(link, access.facts.kind), _state(link, access.facts.owner_link_days, readers), is_mine)


def _readers(request: ResourcePageRequest) -> set[str] | None:
    """Return who may read the storage, in a fixed number of statements; None: everybody."""
    found = overview(request.resource, request.access.facts)
    if found.effective_general_access != GeneralAccess.RESTRICTED:
        return None
    given = {right.account_id for right in found.items}
    elsewhere = {row.account_id for row in found.elsewhere if row.account_id}
    return {found.owner_id} | given | elsewhere


def _state(link: SignedLink, cap: int | None, readers: set[str] | None) -> State:
    now = timezone.now()
    if link.revoked_at is not None:
        return REVOKED
    if link.expires_at <= now:
        return EXPIRED
    if cap is not None and link.expires_at - now > timedelta(days=cap):
        return TOO_LONG
    maker = link.made_by
    if maker is None or not maker.is_active or (readers is not None and maker.pk not in readers):
        return WITHOUT_ACCESS
    return ACTIVE


def _opens(link: SignedLink, kind: Kind) -> str:
    return f"record {link.record_key}" if link.opens == Opens.RECORD else _CONTENT[kind]


def _list_path(request: ResourcePageRequest) -> str:
    return f"{request.resource.console_path}/links"
