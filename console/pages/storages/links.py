"""Links to what a storage holds: the dialog that makes one, the list of those that were made, and their end."""

from dataclasses import dataclass

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from console.http.record_urls import record_url
from console.pages.components import dialogs
from console.pages.components.code_samples import content_url
from console.pages.components.prediction_sentences import end_sentence, link_sentence, links_sentence
from console.pages.components.tables import Paging
from console.pages.components.visibility_sentences import open_without_links
from console.pages.storages import link_form
from console.pages.storages.labels import CONTENT, STORAGE_WORDS
from console.pages.storages.link_form import LifetimeForm
from resources.kinds import Kind
from resources.models import GeneralAccess, Record
from resources.records.keys import can_be_key
from sharing.access import Access, effective_general_access
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.links import links
from sharing.links.link_states import LinkState, active, load_key_holders, load_states
from sharing.models import SignedLink
from sharing.permissions import Permission
from sharing.signatures import SignedContent

READ, MANAGE = Permission.READ, Permission.MANAGE_ACCESS_RIGHTS


@dataclass(frozen=True, slots=True)
class State:
    """What has become of a link, as a badge and in a sentence."""

    label: str
    tone: str
    icon: str
    explanation: str


STATES = {
    LinkState.ACTIVE: State("Active", "good", "check", "Everyone who has it can open it."),
    LinkState.REVOKED: State("Revoked", "bad", "no-symbol", "It was revoked; its signature opens nothing any more."),
    LinkState.EXPIRED: State("Expired", "neutral", "clock", "Its time is over."),
    LinkState.BEYOND_CAP: State("Blocked", "warning", "pause", "It lasts longer than the owner allows."),
    LinkState.WITHOUT_ACCESS: State("Blocked", "warning", "pause", "Its maker cannot read this any more."),
}


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
    why_not = links.link_refusal(request.access)
    made = link_form.NewLink(url, why_not=why_not) if why_not else None
    if request.method == "POST" and made is None and form.is_valid():
        try:
            made = link_form.create_link(request, url, form.cleaned_data["lifetime"], record_key=key)
        except links.LinkRefused as refusal:
            form.add_error("lifetime", str(refusal))
    what = CONTENT[facts.kind] if key is None else f"record {key}"
    return dialogs.render_dialog(
        request,
        "storages/_link_form.html",
        title=f"Link to the {what}",
        form=form,
        made=made,
        says=link_sentence(facts, f"the {what}"),
        ends=end_sentence(facts),
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
    manages = request.access.allows(MANAGE)
    context = {
        "resource": request.resource,
        "info": request.resource.info,
        "words": STORAGE_WORDS[Kind(request.resource.kind)],
        "rows": _rows(shown, request),
        "paging": paging,
        "manages": manages,
        "says": links_sentence(request.access.facts),
        "why_not": links.link_refusal(request.access),
        "key_holders": load_key_holders(request.access.facts) if manages else [],
    }
    return render(request, "storages/links.html", context)


@needs(None, READ)
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: ResourcePageRequest, link_id: str) -> HttpResponse:
    """Ask, then end one link: the user's own, or as a manager any."""
    link = _visible(request.access).filter(pk=link_id).select_related("resource", "made_by").first()
    if link is None:
        raise Http404
    opens = _opens(link, request.access.facts.kind)
    if request.method == "POST":
        links.revoke(link, by=request.principal)
        open_without = open_without_links(request.access.facts)
        said = open_without or "It opens nothing any more."
        messages.success(request, f"The link to the {opens} was revoked. {said}")
        return dialogs.redirect_from_dialog(request, _list_path(request))
    return dialogs.render_dialog(
        request,
        "storages/_link_revoke.html",
        title="Revoke this link?",
        resource=request.resource,
        link=link,
        opens=opens,
        open_without=open_without_links(request.access.facts),
        back=_list_path(request),
    )


@needs(None, MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def revoke_all(request: ResourcePageRequest) -> HttpResponse:
    """Ask, then turn the key of a storage."""
    resource = request.resource
    if request.method == "POST":
        links.revoke_all(resource, by=request.principal)
        messages.success(request, "All links were revoked, and the signing keys were changed.")
        return dialogs.redirect_from_dialog(request, _list_path(request))
    facts = request.access.facts
    return dialogs.render_dialog(
        request,
        "storages/_links_revoke_all.html",
        title="Revoke all links?",
        resource=resource,
        active=len(active(resource, facts)),
        key_holders=len(load_key_holders(facts)),
        back=_list_path(request),
    )


def _is_record(request: ResourcePageRequest, key: str) -> bool:
    is_store = request.access.facts.kind is Kind.KEY_VALUE_STORE
    return is_store and can_be_key(key) and Record.objects.filter(store_id=request.resource.pk, key=key).exists()


def _visible(access: Access) -> QuerySet[SignedLink]:
    found = SignedLink.objects.filter(resource_id=access.facts.id)
    return found if access.allows(MANAGE) else found.filter(made_by_id=access.principal.account_id)


def _rows(shown: list[SignedLink], request: ResourcePageRequest) -> list[LinkRow]:
    access, me = request.access, request.principal.account_id
    states = load_states(shown, request.resource, access.facts)
    return [
        LinkRow(link, _opens(link, access.facts.kind), _seen(state, access), is_mine=link.made_by_id == me)
        for link, state in zip(shown, states, strict=True)
    ]


def _seen(state: LinkState, access: Access) -> State:
    """What is open to anyone with the ID opens by the URL of a link too, also when its signature counts no more."""
    is_open = effective_general_access(access.facts) != GeneralAccess.RESTRICTED
    return STATES[LinkState.ACTIVE if is_open and state is LinkState.WITHOUT_ACCESS else state]


def _opens(link: SignedLink, kind: Kind) -> str:
    return f"record {link.record_key}" if link.opens == SignedContent.RECORD else CONTENT[kind]


def _list_path(request: ResourcePageRequest) -> str:
    return f"{request.resource.console_path}/links"
