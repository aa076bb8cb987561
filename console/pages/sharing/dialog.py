"""The share dialog of every kind: a page by its URL alone, a modal dialog with the script.

Each thing that it does has an address of its own, which declares what it needs. Without the script each answers by
going back to the page; with it, by the parts of the dialog that have changed, as the server has them now.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from accounts.lib.ids import looks_like_id
from accounts.lookups import TooManyLookups, find_account
from accounts.models import Account
from console.pages.components.dialogs import redirect_from_dialog
from console.pages.sharing import undo_token
from console.pages.sharing.dialog_content import Content, Person, choices, content_for, next_row
from console.pages.sharing.end_choices import chosen_end, end_options
from resources.kinds import Kind
from sharing import grants
from sharing.access import Access
from sharing.declare import Requires, declare, needs
from sharing.enforcement import refusals
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.facts import load_facts
from sharing.general_access import UnsupportedLevel, set_for_resource
from sharing.models import Grant
from sharing.narrowings.held_back import held_back_by
from sharing.permissions import Permission, UnsupportedPermission, parse
from sharing.visibility.labels import end_label, permissions_label

READ, MANAGE = Permission.READ, Permission.MANAGE_ACCESS_RIGHTS
LONGEST_NAME = 254  # of an e-mail address
LONGEST_DATE = 10


@dataclass(frozen=True, slots=True)
class Notice:
    """What has just happened, in a sentence or two; `undo` is what takes it back, sealed."""

    text: str
    good: bool = True
    undo: str = ""


@dataclass(frozen=True, slots=True)
class AddFormState:
    """The form as it was sent: the text stays when it is refused, and the error says what to do."""

    who: str = ""
    error: str = ""
    ticked: Permission = READ
    end: str = ""
    end_date: str = ""


@declare({"GET": Requires(None, (READ,)), "POST": Requires(None, (MANAGE,))})
@require_http_methods(["GET", "HEAD", "POST"])
def dialog(request: ResourcePageRequest) -> HttpResponse:
    """Show who has access; a POST adds an account."""
    if request.method == "POST":
        return _add(request)
    notice = None
    if sealed := request.GET.get("removed"):
        removed = undo_token.unsign(sealed, request.resource, request.principal)
        notice = _removal(request, removed, sealed) if removed else None
    return _whole(request, adding=AddFormState(who=request.GET.get("add", "")[:LONGEST_NAME]), notice=notice)


@needs(None, MANAGE)
@require_POST
def change(request: ResourcePageRequest, account_id: str) -> HttpResponse:
    """Change the permissions of a grantee."""
    account = _account(account_id)
    if account is None:
        return _done(request, _gone("This account"))
    try:
        permissions, end = _ticked(request), chosen_end(request.POST)
        changed = grants.change(request.resource, account, permissions, by=request.principal, expires_at=end)
    except (UnsupportedPermission, grants.GrantRefused) as refusal:
        return _done(request, Notice(str(refusal), good=False), focus=f"person-{account.pk}")
    if changed is None:
        return _done(request, _gone(account.username))
    return _done(request, Notice(_now(account, changed)), focus=f"person-{account.pk}")


@needs(None, MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def extend(request: ResourcePageRequest, account_id: str) -> HttpResponse:
    """Let a grant that ends do so 30 days later; a GET, which emails link to, shows the button that does it."""
    if request.method != "POST":
        return _ask_to_extend(request, account_id)
    return _prolong(request, account_id, grants.extend)


@needs(None, MANAGE)
@require_POST
def give_again(request: ResourcePageRequest, account_id: str) -> HttpResponse:
    """Give what has ended again, for as long as before."""
    return _prolong(request, account_id, grants.give_again)


def _ask_to_extend(request: ResourcePageRequest, account_id: str) -> HttpResponse:
    shown = content_for(request.access).people
    person = next((each for each in shown if each.account_id == account_id and each.extendable), None)
    if person is None:
        return redirect(_address(request))  # which says who has access, and what has ended
    context = {
        "resource": request.resource,
        "info": request.resource.info,
        "address": _address(request),
        "account": _account(account_id),
        "sentence": f"{person.username} {person.may} {person.until}.",
    }
    return render(request, "sharing/extend.html", context)


def _prolong(request: ResourcePageRequest, account_id: str, do: Callable[..., Grant | None]) -> HttpResponse:
    account = _account(account_id)
    if account is None:
        return _done(request, _gone("This account"))
    try:
        grant = do(request.resource, account, by=request.principal)
    except grants.GrantRefused as refusal:
        return _done(request, Notice(str(refusal), good=False), focus=f"person-{account.pk}")
    if grant is None:
        return _done(request, _gone(account.username))
    return _done(request, Notice(_now(account, grant)), focus=f"person-{account.pk}")


def _now(account: Account, grant: Grant) -> str:
    """Say what a grant lets an account do now, and until when."""
    until = end_label(grant.expires_at)
    return f"{account.username} {permissions_label(Permission(grant.permissions))} now{f', {until}' if until else ''}."


@needs(None, MANAGE)
@require_POST
def remove(request: ResourcePageRequest, account_id: str) -> HttpResponse:
    """Remove a grantee's access: their grant, or what an issue gave them."""
    account = _account(account_id)
    if account is None:
        return _done(request, _gone("This account"))
    if account.pk == request.principal.account_id:
        return give_up(request)
    before = content_for(request.access).people
    issue_id = _issue_id(request)
    removed = grants.revoke(
        request.resource,
        account,
        by=request.principal,
        source=Grant.Source.ISSUE if issue_id else Grant.Source.DIRECT,
        issue_id=issue_id or None,
    )
    if not removed:
        return _done(request, _gone(account.username))
    key = next((p.key for p in before if p.account_id == account.pk and p.issue_id == issue_id), "")
    return _removed(request, removed, key, before)


@needs(None, MANAGE)
@require_POST
def put_back(request: ResourcePageRequest) -> HttpResponse:
    """Undo a removal: give again exactly what was taken away."""
    removed = undo_token.unsign(request.POST.get("removed", ""), request.resource, request.principal)
    account = _account(removed[0].account_id) if removed else None
    if not removed or account is None:
        return _done(request, Notice("That can no longer be undone. Add them again instead.", good=False))
    try:
        grants.put_back(request.resource, account, removed, by=request.principal)
    except grants.GrantRefused as refusal:
        return _done(request, Notice(str(refusal), good=False))
    content = content_for(_fresh(request))
    issue_id = removed[0].issue_id or ""
    key = next((p.key for p in content.people if p.account_id == account.pk and p.issue_id == issue_id), "")
    return _done(request, Notice(f"{account.username} has access again."), content=content, focus=key)


@needs(None, READ)
@require_POST
def give_up(request: ResourcePageRequest) -> HttpResponse:
    """Give up one's own access; who cannot read any more is led away."""
    resource, principal = request.resource, request.principal
    if held_back_by(principal, MANAGE, request.access.facts):  # the role of a member may not give up what was granted
        return refusals.forbidden_response(request, request.access, MANAGE)
    removed = grants.revoke(resource, request.account, by=principal)
    access = _fresh(request)
    if not removed:
        return _done(request, Notice("You have no access of your own here to give up.", good=False))
    what = f"You gave up your access to the {resource.info.noun} {resource}."
    if access.allows(READ):
        return _done(request, Notice(f"{what} You can still read it."), focus=f"person-{principal.account_id}")
    messages.success(request, what)
    return redirect_from_dialog(request, reverse("shared"))


@needs(None, MANAGE)
@require_POST
def general_access(request: ResourcePageRequest) -> HttpResponse:
    """Set the resource's own level of general access."""
    try:
        changed = set_for_resource(request.resource, request.POST.get("general_access", ""), by=request.principal)
    except UnsupportedLevel as refusal:
        return _done(request, Notice(str(refusal), good=False), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    content = content_for(_fresh(request))
    level = content.general.chosen if content.general else ""
    notice = Notice(f"General access is now: {level}." if changed else f"General access stays as it was: {level}.")
    response = _done(request, notice, content=content)
    if request.htmx and changed:
        # The page of the resource listens for the first, its row in a list for the second.
        trigger_client_event(response, "access-changed")
        trigger_client_event(response, f"access-changed-{request.resource.pk}")
    return response


def _add(request: ResourcePageRequest) -> HttpResponse:
    who = request.POST.get("who", "").strip()
    if len(who) > LONGEST_NAME:
        error = f"This is longer than any email: {len(who)} characters. Check what was pasted."
        return _refuse_adding(request, AddFormState(who[:LONGEST_NAME], error))
    try:
        permissions = _ticked(request)
    except UnsupportedPermission as refusal:
        return _refuse_adding(request, AddFormState(who, str(refusal)))
    entered = AddFormState(
        who, "", permissions, request.POST.get("end", ""), request.POST.get("end_date", "")[:LONGEST_DATE]
    )
    if not who:
        return _refuse_adding(request, replace(entered, error="Enter an email, a username or a user ID."))
    try:
        account = find_account(request, request.principal, who)
    except TooManyLookups:
        error = "You have named many accounts that do not exist. Wait ten minutes, then try again."
        return _refuse_adding(request, replace(entered, error=error), status=HTTPStatus.TOO_MANY_REQUESTS)
    if account is None:
        error = f"No account found for “{who}”. Check the spelling, or ask them to sign up first."
        return _refuse_adding(request, replace(entered, error=error))
    try:
        end = chosen_end(request.POST)
        until = None if end is grants.End.UNCHANGED else end
        grant, is_new = grants.add(request.resource, account, permissions, by=request.principal, expires_at=until)
    except grants.GrantRefused as refusal:
        return _refuse_adding(request, replace(entered, error=str(refusal)))
    may = permissions_label(Permission(grant.permissions))
    if is_new:
        notice = Notice(_now(account, grant))
    else:
        notice = Notice(f"{account.username} has access already and {may}. Nothing was changed.")
    return _done(request, notice, adding=AddFormState())


def _account(account_id: str) -> Account | None:
    return Account.objects.filter(pk=account_id).first() if looks_like_id(account_id) else None


def _issue_id(request: ResourcePageRequest) -> str:
    """Return the ID of the issue whose access is meant; empty for a grant of its own."""
    issue_id = request.POST.get("issue", "")
    return issue_id if looks_like_id(issue_id) else ""


def _ticked(request: ResourcePageRequest) -> Permission:
    """Return the permissions that were ticked; READ is implied.

    Raises:
        UnsupportedPermission: for a permission that the kind does not have.
    """
    return parse(request.POST.getlist("permissions") or [READ.name or ""], Kind(request.resource.kind))


def _gone(who: str) -> Notice:
    return Notice(f"{who} has no access here any more. This is how it is now.", good=False)


def _removed(
    request: ResourcePageRequest, removed: list[grants.Removed], key: str, before: list[Person]
) -> HttpResponse:
    content = content_for(_fresh(request))
    sealed = undo_token.sign(removed, request.resource, request.principal)
    if not request.htmx:
        return redirect(f"{_address(request)}?removed={sealed}")
    notice = _removal(request, removed, sealed)
    return _done(request, notice, content=content, focus=next_row(content.people, key, before))


def _removal(request: ResourcePageRequest, removed: list[grants.Removed], sealed: str) -> Notice:
    account = _account(removed[0].account_id)
    may = grants.may_put_back(request.resource, removed, request.access.held, by=request.principal)
    return Notice(f"{account or 'The account'} was removed.", undo=sealed if may else "")


def _fresh(request: ResourcePageRequest) -> Access:
    """Return the access as it is after a change, for the dialog shows what the server has now."""
    before = request.access
    try:
        facts = load_facts(request.resource, before.principal.account_id)
    except LookupError as gone:
        raise Http404 from gone
    return Access(before.principal, request.resource, facts, before.addressed_by)


def _refuse_adding(
    request: ResourcePageRequest, adding: AddFormState, status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY
) -> HttpResponse:
    """Answer with the form as it was sent and what is wrong with it."""
    content = content_for(request.access)
    if not request.htmx:
        return _whole(request, adding=adding, content=content, status=status)
    context = {**_context(request, content, adding), "focus_field": True}
    return render(request, "sharing/_refused_form.html", context, status=status)


def _done(
    request: ResourcePageRequest,
    notice: Notice,
    *,
    adding: AddFormState | None = None,
    content: Content | None = None,
    focus: str = "",
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    """Answer a change: with the changed parts of the dialog, or by going back to the page."""
    if not request.htmx:
        messages.add_message(request, messages.SUCCESS if notice.good else messages.ERROR, notice.text)
        return redirect(_address(request))
    content = content or content_for(_fresh(request))
    context = _context(request, content, adding or AddFormState(), notice)
    context |= {"focus": focus, "with_form": adding is not None, "focus_field": adding is not None}
    return render(request, "sharing/_changed.html", context, status=status)


def _whole(
    request: ResourcePageRequest,
    *,
    adding: AddFormState,
    notice: Notice | None = None,
    content: Content | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    content = content or content_for(request.access)
    template = "sharing/_dialog.html" if request.htmx else "sharing/dialog.html"
    context = {**_context(request, content, adding, notice), "focus_field": True}
    return render(request, template, context, status=status)


def _context(
    request: ResourcePageRequest, content: Content, adding: AddFormState, notice: Notice | None = None
) -> dict[str, object]:
    kind = Kind(request.resource.kind)
    return {
        "resource": request.resource,
        "info": request.resource.info,
        "title": f"{'Share' if content.manages else 'Access to'} {request.resource.info.noun} {request.resource}",
        "content": content,
        "adding": adding,
        "choices": choices(kind, adding.ticked, request.access.held) if content.manages else [],
        "ends": end_options(chosen=adding.end),
        "notice": notice,
        "address": _address(request),
    }


def _address(request: ResourcePageRequest) -> str:
    return f"{request.resource.console_path}/share"
