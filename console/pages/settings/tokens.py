"""Settings, Integrations: API tokens."""

from http import HTTPStatus

from django.contrib import messages
from django.core.cache import caches
from django.db.models import F
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import tokens
from accounts.lib.ids import looks_like_id
from accounts.models import ApiToken
from accounts.request_types import PageRequest
from console.pages.account.reauthenticate import ask_first, back_from_confirmation
from console.pages.components.dialogs import redirect_from_dialog
from console.pages.settings.token_form import TokenForm
from resources.kinds import KINDS, Kind
from sharing.declare import account_wide
from sharing.visibility.labels import scope_label

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
    form = TokenForm(initial=_filled_in(meant) if meant else {}, account=request.user)
    return _page(request, form, confirmed=meant is not None)


def _create(request: PageRequest) -> HttpResponse:
    form = TokenForm(request.POST, account=request.user)
    if not form.is_valid():
        return _page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    asked = ask_first(request, "settings-integrations", section=NEW_TOKEN)
    if asked:
        return asked
    if not _is_sent_first(request):
        messages.info(request, _SENT_TWICE)
        return redirect("settings-integrations")
    data = form.cleaned_data
    token, text = tokens.create(
        request.user,
        data["name"],
        by=request.principal,
        scope=data["scope_entries"],
        expires_at=data["expires_at"],
    )
    return _page(request, TokenForm(account=request.user), made=token, text=text)


def _is_sent_first(request: PageRequest) -> bool:
    """Tell whether this copy of the form comes for the first time; loading the answer again sends it once more."""
    key = request.POST.get("form", "")[:LONGEST_FORM_KEY]
    return not key or caches["default"].add(f"token-form:{request.user.pk}:{key}", True, REMEMBERED_SECONDS)


def _filled_in(meant: QueryDict) -> dict[str, object]:
    """Return what was typed before the confirmation, as initial values of the form."""
    return {**meant.dict(), "scope": meant.getlist("scope")}


def _page(request: PageRequest, form: TokenForm, *, status: int = 200, **context: object) -> HttpResponse:
    listed = [
        {"token": token, "scope": describe_scope(token), "expired": _has_expired(token)}
        for token in ApiToken.objects.filter(account=request.user, run_id="", revoked_at=None).order_by(
            F("created_at").desc()
        )
    ]
    context |= {"form": form, "listed": listed, "form_key": get_random_string(LONGEST_FORM_KEY)}
    return render(request, "settings/tokens.html", context, status=status)


def _has_expired(token: ApiToken) -> bool:
    return token.expires_at is not None and token.expires_at <= timezone.now()


@account_wide
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: PageRequest, token_id: str) -> HttpResponse:
    """Ask whether a token shall be revoked, and revoke it; the very next call with it is refused."""
    found = (
        ApiToken.objects.filter(pk=token_id, account=request.user, run_id="", revoked_at=None)
        if looks_like_id(token_id)
        else None
    )
    token = found.first() if found is not None else None
    if token is None:
        raise Http404
    if request.method != "POST":
        template = "settings/_revoke_token.html" if request.htmx else "settings/revoke_token.html"
        return render(request, template, {"token": token})
    tokens.revoke(token, by=request.principal)
    messages.success(request, f"The token {token.name} is revoked. Calls with it are refused from now on.")
    return redirect_from_dialog(request, reverse("settings-integrations"))


def describe_scope(token: ApiToken) -> str:
    """Return what a token may be used for, as one line."""
    if token.scope is None:
        return "Everything that the account may do"
    return "; ".join(
        _entry_in_words(entry["kind"], entry["permissions"], entry.get("resourceId")) for entry in token.scope
    )


def _entry_in_words(kind: str, permissions: list[str], resource_id: str | None) -> str:
    info = KINDS[Kind(kind)]
    what = f"{info.short} {resource_id}" if resource_id else f"all {info.short_plural}"
    names = ", ".join(scope_label(name).lower() for name in permissions)
    return f"{names} on {what}"
