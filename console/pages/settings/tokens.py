"""Settings, Integrations: API tokens."""

from datetime import datetime
from http import HTTPStatus

from django.contrib import messages
from django.core.cache import caches
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import token_editing, tokens
from accounts.models import Account, ApiToken
from accounts.request_types import PageRequest
from console.pages.account.reauthenticate import ask_first, back_from_confirmation
from console.pages.components.dialogs import redirect_from_dialog, render_dialog
from console.pages.settings.token_form import TokenForm
from console.pages.settings.token_presets import PRESETS
from console.pages.settings.token_sentences import names_in_scopes, scope_sentences
from console.pages.settings.token_traces import load_traces
from sharing.declare import account_wide
from sharing.policies import token_changes
from sharing.policies.token_changes import BeyondRole
from sharing.policies.token_rules import find_token, visible_tokens

NEW_TOKEN = "new-token"  # noqa: S105  # the name of a section of the page
LONGEST_FORM_KEY = 22
REMEMBERED_SECONDS = 24 * 3600
_SENT_TWICE = (
    "That form had been sent already, so no second token was made. The first one is in the list; if you did not copy "
    "it, revoke it and create another."
)


@account_wide
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens_page(request: PageRequest) -> HttpResponse:
    """List the tokens of the account, and make a new one, whose text is in this one answer and nowhere else."""
    if request.method == "POST":
        return _create(request)
    meant = back_from_confirmation(request, NEW_TOKEN)
    preset = PRESETS.get(request.GET.get("preset", ""))
    initial = _filled_in(meant) if meant else {}
    if preset and not meant:
        initial = preset.initial | ({"find_kind": preset.find.value} if preset.find else {})
    form = TokenForm(initial=initial, by=request.principal)
    return _page(request, form, confirmed=meant is not None, preset=preset)


@account_wide
@never_cache
@require_http_methods(["GET", "HEAD"])
def token_page(request: PageRequest, token_id: str) -> HttpResponse:
    """Show a token: what it may do, when it was used, what it made, and what ends with it."""
    return _show(request, _find(request, token_id))


@account_wide
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: PageRequest, token_id: str) -> HttpResponse:
    """Change all of a token but its text."""
    token = _find(request, token_id)
    section = f"edit-token-{token.pk}"
    if request.method != "POST":
        meant = back_from_confirmation(request, section)
        form = TokenForm(initial=_filled_in(meant) if meant else {}, by=request.principal, token=token)
        return _edit_page(request, token, form, confirmed=meant is not None)
    form = TokenForm(request.POST, by=request.principal, token=token)
    if form.is_search:
        form.forget_errors()
        return _edit_page(request, token, form)
    if not form.is_valid():
        return _edit_page(request, token, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    asked = ask_first(request, "settings-token-edit", token.pk, section=section)
    if asked:
        return asked
    try:
        token_changes.update(token, form.settings(), by=request.principal)
    except token_editing.TokenGone:
        raise Http404 from None
    except BeyondRole as refused:  # it was widened since the form was checked
        form.add_error(None, str(refused))
        return _edit_page(request, token, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    messages.success(request, f"The token {token.name} is saved. Its next call is judged by what it may do now.")
    return redirect("settings-token", token.pk)


@account_wide
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def rotate(request: PageRequest, token_id: str) -> HttpResponse:
    """Ask when the former text shall end, and give the token another one, which is in this one answer."""
    token = _find(request, token_id)
    title = f"Rotate the token {token.name}?"
    if request.method != "POST":
        back_from_confirmation(request, "rotate-token")
        return render_dialog(request, "settings/_rotate_token.html", title=title, token=token)
    asked = ask_first(request, "settings-token-rotate", token.pk, section="rotate-token")
    if asked:
        return asked
    at_once = request.POST.get("former") == "at-once"
    try:
        text = token_changes.rotate(token, by=request.principal, at_once=at_once)
    except token_editing.TokenGone:
        raise Http404 from None
    except BeyondRole as refused:
        messages.error(request, str(refused))
        return redirect("settings-token", token.pk)
    return _show(request, token, text=text)


@account_wide
@require_POST
def end_former_texts(request: PageRequest, token_id: str) -> HttpResponse:
    """End the texts that a token had before at once."""
    token = _find(request, token_id)
    if token_editing.end_former_texts(token, by=request.principal):
        messages.success(request, f"Old values of the token {token.name} are refused from now on.")
    return redirect("settings-token", token.pk)


@account_wide
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: PageRequest, token_id: str) -> HttpResponse:
    """Ask whether a token shall be revoked, and revoke it; the very next call with it is refused."""
    token = _find(request, token_id)
    if request.method != "POST":
        template = "settings/_revoke_token.html" if request.htmx else "settings/revoke_token.html"
        return render(request, template, {"token": token, "traces": load_traces(token, request.principal)})
    tokens.revoke(token, by=request.principal)
    messages.success(request, f"The token {token.name} is revoked. Calls with it are refused from now on.")
    return redirect_from_dialog(request, reverse("settings-integrations"))


def _create(request: PageRequest) -> HttpResponse:
    form = TokenForm(request.POST, by=request.principal)
    if form.is_search:
        form.forget_errors()
        return _page(request, form)
    if not form.is_valid():
        return _page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    asked = ask_first(request, "settings-integrations", section=NEW_TOKEN)
    if asked:
        return asked
    if not _is_sent_first(request):
        messages.info(request, _SENT_TWICE)
        return redirect("settings-integrations")
    by = request.principal
    account = Account.objects.get(pk=by.account_id)
    token, text = token_changes.create(account, form.settings(), by=by, member_id=form.member_id)
    return _page(request, TokenForm(by=by), made=token, text=text)


def _is_sent_first(request: PageRequest) -> bool:
    """Tell whether this copy of the form comes for the first time; loading the answer again sends it once more."""
    key = request.POST.get("form", "")[:LONGEST_FORM_KEY]
    sent = f"token-form:{request.principal.account_id}:{key}"
    return not key or caches["default"].add(sent, True, REMEMBERED_SECONDS)


def _filled_in(meant: QueryDict) -> dict[str, object]:
    """Return what was typed before the confirmation, as initial values of the form."""
    return {**meant.dict(), "scope": meant.getlist("scope"), "default_run_storages": "default_run_storages" in meant}


def _page(request: PageRequest, form: TokenForm, *, status: int = 200, **context: object) -> HttpResponse:
    found = list(visible_tokens(request.principal).order_by("-created_at"))
    names = names_in_scopes(found, request.principal)
    now = timezone.now()
    listed = [
        {
            "token": token,
            "scope": scope_sentences(token, names),
            "expired": _has_expired(token, now),
            "ends_soon": ends_soon(token, now),
        }
        for token in found
    ]
    context |= {
        "form": form,
        "listed": listed,
        "form_key": get_random_string(LONGEST_FORM_KEY),
        "presets": PRESETS.values(),
    }
    return render(request, "settings/tokens.html", context, status=status)


def _edit_page(
    request: PageRequest, token: ApiToken, form: TokenForm, *, status: int = 200, **context: object
) -> HttpResponse:
    return render(request, "settings/token_edit.html", {"token": token, "form": form, **context}, status=status)


def _show(request: PageRequest, token: ApiToken, **context: object) -> HttpResponse:
    names = names_in_scopes([token], request.principal)
    now = timezone.now()
    context |= {
        "token": token,
        "scope": scope_sentences(token, names),
        "expired": _has_expired(token, now),
        "ends_soon": ends_soon(token, now),
        "former_texts": token.former_texts.filter(ends_at__gt=now).order_by("ends_at"),
        "traces": load_traces(token, request.principal),
    }
    return render(request, "settings/token.html", context)


def _find(request: PageRequest, token_id: str) -> ApiToken:
    token = find_token(request.principal, token_id)
    if token is None:
        raise Http404
    return token


def _has_expired(token: ApiToken, now: datetime) -> bool:
    return token.expires_at is not None and token.expires_at <= now


def ends_soon(token: ApiToken, now: datetime) -> bool:
    """Tell whether a token ends so soon that its owner is warned."""
    return token.expires_at is not None and now < token.expires_at <= now + tokens.WARNING
