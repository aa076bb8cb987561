"""Settings, Security & Privacy: how to sign in, where one is signed in, and who sees what by default."""

from dataclasses import dataclass

from allauth.account import views
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.lib.ids import looks_like_id
from accounts.models import Account, AccountGeneralAccess
from accounts.organizations.permissions import AccountPermission
from accounts.request_types import PageRequest
from accounts.sign_in import sessions
from accounts.sign_in.second_factors import codes_left, is_readable
from console.pages.account.reauthenticate import ask_first, back_from_confirmation
from console.pages.components.prediction_sentences import developer_sentence
from console.pages.components.visibility_sentences import level_sentences, run_sharing_sentences
from console.pages.settings import actors as settings_actors
from console.pages.settings import links as settings_links
from resources.models import Actor
from resources.runs import approvals
from sharing import general_access
from sharing.declare import account_wide_for, personal
from sharing.links import link_limits, links
from sharing.visibility.visibility import AccountVisibility, account_visibility

GENERAL_ACCESS = "general-access"
RUN_SHARING = "run-sharing"


@dataclass(frozen=True, slots=True)
class LevelOption:
    """A level of general access as the page offers it."""

    value: str
    title: str
    explanation: str


@account_wide_for(AccountPermission.MANAGE_ORGANIZATION)
@require_safe
def security(request: PageRequest) -> HttpResponse:
    """Show the whole page."""
    return render(request, "settings/security.html", _page(request))


@account_wide_for(AccountPermission.MANAGE_ORGANIZATION)
@require_http_methods(["GET", "HEAD", "POST"])
def account_general_access(request: PageRequest) -> HttpResponse:
    """Save the level that everything follows which has none of its own; say what changed, in place."""
    if request.method != "POST":
        return HttpResponseRedirect(f"{reverse('settings-security')}#{GENERAL_ACCESS}")
    level = request.POST.get("general_access", "")
    if level not in AccountGeneralAccess.values:
        return _answer(request, GENERAL_ACCESS, error="Choose one of the two options.", status=422)
    asked = ask_first(request, "settings-security", section=GENERAL_ACCESS)
    if asked:
        return asked
    changed = general_access.set_for_account(request.account, level, by=request.principal)
    return _answer(request, GENERAL_ACCESS, said=_said_of_level(request.account) if changed else _NOTHING_CHANGED)


@account_wide_for(AccountPermission.MANAGE_ORGANIZATION)
@require_http_methods(["GET", "HEAD", "POST"])
def run_sharing(request: PageRequest) -> HttpResponse:
    """Save whether developers see the runs of their public Actors; say what changed, in place."""
    if request.method != "POST":
        return HttpResponseRedirect(f"{reverse('settings-security')}#{RUN_SHARING}")
    asked = ask_first(request, "settings-security", section=RUN_SHARING)
    if asked:
        return asked
    shares = "share_runs" in request.POST
    changed = general_access.set_run_sharing(request.account, shares, by=request.principal)
    return _answer(request, RUN_SHARING, said=_said_of_runs(request.account) if changed else _NOTHING_CHANGED)


@account_wide_for(AccountPermission.MANAGE_ORGANIZATION)
@require_http_methods(["GET", "HEAD", "POST"])
def pre_signed_links(request: PageRequest) -> HttpResponse:
    """Save how long pre-signed links can live; say what changed, in place."""
    section = settings_links.SECTION
    if request.method != "POST":
        return HttpResponseRedirect(f"{reverse('settings-security')}#{section}")
    form = settings_links.CapForm.of(request.POST)
    if not form.is_valid():
        return _answer(request, section, error=form.problem, status=422)
    asked = ask_first(request, "settings-security", section=section)
    if asked:
        return asked
    effect = settings_links.effect_to_show(request, form.cap)
    if effect is not None:
        return _answer(request, section, effect=effect, seen=form.cap)
    changed = link_limits.set_cap(request.account, form.cap, by=request.principal)
    return _answer(request, section, said=settings_links.saved_message(form.cap) if changed else _NOTHING_CHANGED)


@account_wide_for(AccountPermission.MANAGE_ORGANIZATION)
@require_http_methods(["GET", "HEAD", "POST"])
def reader_links(request: PageRequest) -> HttpResponse:
    """Save whether users who may only read make links to Restricted storages; say what changed, in place."""
    section = settings_links.READER_SECTION
    if request.method != "POST":
        return HttpResponseRedirect(f"{reverse('settings-security')}#{section}")
    asked = ask_first(request, "settings-security", section=section)
    if asked:
        return asked
    allowed = "reader_links" in request.POST
    changed = links.set_reader_links(request.account, allowed, by=request.principal)
    return _answer(
        request, section, said=settings_links.said_of_readers(request.account) if changed else _NOTHING_CHANGED
    )


@account_wide_for(AccountPermission.MANAGE_ORGANIZATION)
@require_http_methods(["GET", "HEAD", "POST"])
def actors(request: PageRequest) -> HttpResponse:
    """Save which permissions new Actors have, and whether those of others need approvals; say so, in place."""
    section = settings_actors.SECTION
    if request.method != "POST":
        return HttpResponseRedirect(f"{reverse('settings-security')}#{section}")
    chosen = request.POST.get("new_actors", "")
    if chosen not in ("limited", "full"):
        return _answer(request, section, error="Choose one of the two levels.", status=422)
    asked = ask_first(request, "settings-security", section=section)
    if asked:
        return asked
    changed = general_access.set_actor_permissions(
        request.account,
        limits_new=chosen == "limited",
        skips_approvals="skip_approvals" in request.POST,
        by=request.principal,
    )
    return _answer(
        request, section, said=settings_actors.said_of_actors(request.account) if changed else _NOTHING_CHANGED
    )


@account_wide_for(AccountPermission.MANAGE_ORGANIZATION)
@require_POST
def withdraw_approval(request: PageRequest, actor_id: str) -> HttpResponse:
    """Take the approval of an Actor of another account back."""
    actor = Actor.objects.filter(pk=actor_id).first() if looks_like_id(actor_id) else None
    if actor is not None and approvals.withdraw(actor, by=request.principal):
        messages.success(request, "The approval is withdrawn. Runs that go on have limited permissions now.")
    else:
        messages.info(request, "This approval had been withdrawn already.")
    return redirect(f"{reverse('settings-security')}#{settings_actors.SECTION}")


@personal
@require_POST
def end_session(request: PageRequest, session_id: int) -> HttpResponse:
    """End one session; the browser that it was in is signed out at its next request."""
    if sessions.end(request.user, session_id, by=request.principal):
        messages.success(request, "The session is ended, and signed out at its next click.")
    else:
        messages.info(request, "This session had already ended.")
    return redirect(f"{reverse('settings-security')}#sessions")


@personal
@require_POST
def end_other_sessions(request: PageRequest) -> HttpResponse:
    """End all sessions but this one."""
    ended = sessions.end_others(request.user, request.session.session_key, by=request.principal)
    messages.success(request, f"{ended} other session{'' if ended == 1 else 's'} ended. You are signed in only here.")
    return redirect(f"{reverse('settings-security')}#sessions")


class _ChangePassword(views.PasswordChangeView):  # type: ignore[misc]  # allauth has no types
    template_name = "settings/password.html"


class _SetPassword(views.PasswordSetView):  # type: ignore[misc]  # allauth has no types
    template_name = "settings/password.html"


change_password = personal(_ChangePassword.as_view())
set_password = personal(_SetPassword.as_view())

_NOTHING_CHANGED = "Nothing changed: it was like this already."


def _said_of_level(account: Account) -> str:
    said = level_sentences(account.general_access, account, account_visibility(account))
    return f"Saved: this holds for what follows this setting. {' '.join(said)}"


def _said_of_runs(account: Account) -> str:
    shares = account.share_runs_with_actor_creators
    return f"Saved. {' '.join(run_sharing_sentences(shares, account, account_visibility(account)))}"


def _answer(
    request: PageRequest, section: str, *, said: str = "", error: str = "", status: int = 200, **shown: object
) -> HttpResponse:
    """Show the section that was saved, or without htmx the whole page, with what there is to say in the section."""
    spoken = {"section": section, "said": said, "error": error, **shown}
    if request.htmx:
        fragment = f"settings/_{section.replace('-', '_')}.html"
        return render(request, fragment, {**_privacy(request), **spoken}, status=status)
    return render(request, "settings/security.html", {**_page(request), **spoken}, status=status)


def _levels(account: Account, found: AccountVisibility) -> list[LevelOption]:
    return [
        LevelOption(level.value, str(level.label), " ".join(level_sentences(level.value, account, found)))
        for level in AccountGeneralAccess
    ]


def _privacy(request: PageRequest) -> dict[str, object]:
    account: Account = request.account
    found = account_visibility(account)
    chosen, shares = account.general_access, account.share_runs_with_actor_creators
    meant_level = back_from_confirmation(request, GENERAL_ACCESS)
    if meant_level is not None and meant_level.get("general_access") in AccountGeneralAccess.values:
        chosen = str(meant_level["general_access"])
    meant_runs = back_from_confirmation(request, RUN_SHARING)
    if meant_runs is not None:
        shares = "share_runs" in meant_runs
    return {
        "levels": _levels(account, found),
        "developers_read": developer_sentence(account),
        "run_readers": run_sharing_sentences(account.share_runs_with_actor_creators, account, found),
        "chosen": chosen,
        "shares": shares,
        **settings_links.links_context(request),
        **settings_actors.actors_context(request),
        "confirmed_level": meant_level is not None,
        "confirmed_runs": meant_runs is not None,
    }


def _page(request: PageRequest) -> dict[str, object]:
    if request.account.is_organization:  # who signs in how is about each member
        return _privacy(request)
    factors = list(Authenticator.objects.filter(user=request.user).order_by("created_at"))
    by_type = {factor.type: factor for factor in factors}
    app, codes = by_type.get(Authenticator.Type.TOTP), by_type.get(Authenticator.Type.RECOVERY_CODES)
    return {
        **_privacy(request),
        "app": app,
        "app_is_readable": app is None or is_readable(app),
        "passkeys": [factor for factor in factors if factor.type == Authenticator.Type.WEBAUTHN],
        "recovery_codes": codes,
        "codes_left": codes_left(codes) if codes else 0,
        "sessions": sessions.list_sessions(request.user, request.session.session_key),
    }
