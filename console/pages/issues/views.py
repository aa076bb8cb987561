"""Pages with the issues of an Actor: read, open, answer and close them."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.lib.api_errors import ApiError
from console.pages.actors import tabs as actor_tabs
from console.pages.components import dialogs
from console.pages.components.forms import BaseForm
from console.pages.components.prediction_sentences import issues_sentence
from console.pages.components.tables import Paging
from console.pages.issues import shared_runs
from resources.kinds import Kind
from resources.models import Actor, Run
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.issues import issues
from sharing.issues.run_urls import parse_run_id
from sharing.models import Issue
from sharing.permissions import Permission
from sharing.policies import issue_rules
from sharing.visibility.visibility import everyone

_writes = needs(Kind.ACTOR, Permission.READ, role_lets=issue_rules.TO_WRITE)
_STATES = {"open": Issue.State.OPEN, "closed": Issue.State.CLOSED}


class IssueForm(BaseForm):
    """What an issue says, and the run that shows it."""

    first_field = "title"

    title = forms.CharField(label="Title", max_length=issues.MAX_TITLE, help_text="What is wrong, in one line.")
    description = forms.CharField(
        label="Description",
        required=False,
        max_length=issues.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="What you did, what you expected, and what came instead.",
    )
    run = forms.CharField(
        label="Run",
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def explain_run(self, actor: Actor, user_id: str) -> None:
        """Say beside the field with whom a run is shared."""
        shares = (
            f"It is shared with {actor.owner}, with its log, input, output and storages, until you take it off "
            "the issue."
        )
        own = "You develop this Actor, so it is shared with no other user."
        what = own if actor.owner_id == user_id else shares
        self.fields["run"].help_text = f"The URL or the ID of a run of yours. {what} A URL in the text does the same."

    def clean_run(self) -> str:
        """Return the ID of the run, or ""."""
        text = str(self.cleaned_data["run"]).strip()
        run_id = parse_run_id(text)
        if text and not run_id:
            raise forms.ValidationError("This is not the URL or the ID of a run on this server.")
        return run_id

    def try_to(self, change: Callable[[], Any]) -> Any:
        """Call `change` and return what it gives; None, and an error in the form, where it will not do."""
        try:
            return change()
        except issues.InvalidIssue as error:
            self.add_error(error.field, str(error))
        except issues.CannotAttach as error:
            self.add_error("run", str(error))
        except ApiError:
            self.add_error("run", "There is no such run, or you may not share it.")
        return None


class CommentForm(BaseForm):
    """Something to say."""

    text = forms.CharField(
        label="Comment", max_length=issues.MAX_TEXT, widget=forms.Textarea(attrs={"rows": 4}), strip=True
    )


@needs(Kind.ACTOR, Permission.READ)
@require_safe
def list_issues(request: ResourcePageRequest[Actor]) -> HttpResponse:
    """List the issues of an Actor, the open ones unless others are asked for."""
    state = request.GET.get("state", "open")
    found = issues.list_issues(request.resource.pk)
    if state in _STATES:
        found = found.filter(state=_STATES[state])
    paging = Paging.of(request.GET, found.count())
    rows = found.order_by("-created_at", "-pk")[paging.offset : paging.offset + paging.size]
    context = {"rows": rows, "paging": paging, "state": state if state in _STATES else "all"}
    context["who_reads"] = issues_sentence(everyone(request.access.facts))
    context["may_write"] = issue_rules.may_write(request.principal)
    return render(request, "issues/issues.html", actor_tabs.tab_context(request, actor_tabs.ISSUES) | context)


@_writes
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ResourcePageRequest[Actor]) -> HttpResponse:
    """Open an issue."""
    form = IssueForm(request.POST if request.method == "POST" else None, initial={"run": request.GET.get("run", "")})
    actor = issues.load_actor(request.resource.pk)
    form.explain_run(actor, request.account.pk)
    shares = shared_runs.predict_shares(request, actor, request.POST.get("description", ""))
    must_confirm = request.method == "POST" and form.is_valid() and not shared_runs.is_seen(request, shares)
    if request.method == "POST" and form.is_valid() and not must_confirm and _may_write(request, form):
        issue = form.try_to(lambda: _report(request, form.cleaned_data))
        if issue is not None:
            messages.success(request, "The issue is open.")
            return redirect(issue.console_path)
    status = 422 if form.errors else 200
    context = {"form": form, "shares": shares, "must_confirm": must_confirm}
    context["who_reads"] = issues_sentence(everyone(request.access.facts))
    return render(request, "issues/new.html", context | _about(request), status=status)


@needs(Kind.ACTOR, Permission.READ)
@require_safe
def show(request: ResourcePageRequest[Actor], issue: str) -> HttpResponse:
    """Show an issue and what has been said to it."""
    return _show(request, _issue(request, issue), CommentForm())


@_writes
@require_POST
def comment(request: ResourcePageRequest[Actor], issue: str) -> HttpResponse:
    """Say something to an issue."""
    found = _issue(request, issue)
    form = CommentForm(request.POST)
    shares = shared_runs.predict_shares(
        request, found.actor, request.POST.get("text", ""), issue=found, of_comment=True
    )
    if form.is_valid() and not shared_runs.is_seen(request, shares):
        return _show(request, found, form, shares)
    if form.is_valid() and _may_write(request, form):
        issues.comment(found, form.cleaned_data["text"], by=request.principal)
        return redirect(f"{found.console_path}#last")
    return _show(request, found, form)


@_writes
@require_POST
def set_state(request: ResourcePageRequest[Actor], issue: str) -> HttpResponse:
    """Close an issue, or open it again."""
    found = _its_to_close(request, issue)
    state = _STATES.get(request.POST.get("state", ""))
    if state is None:
        raise Http404
    if issues.set_state(found, state, by=request.principal):
        messages.success(request, f"The issue is {state.label.lower()}.")
    return redirect(found.console_path)


@_writes
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: ResourcePageRequest[Actor], issue: str) -> HttpResponse:
    """Change what one's own issue says, and which run is attached to it."""
    found = _its_authors(request, issue)
    initial = {"title": found.title, "description": found.description, "run": found.run_id or ""}
    form = IssueForm(request.POST if request.method == "POST" else None, initial=initial)
    form.explain_run(found.actor, request.account.pk)
    shares = shared_runs.predict_shares(request, found.actor, request.POST.get("description", ""), issue=found)
    must_confirm = request.method == "POST" and form.is_valid() and not shared_runs.is_seen(request, shares)
    if (
        request.method == "POST"
        and form.is_valid()
        and not must_confirm
        and form.try_to(lambda: _rewrite(request, found, form.cleaned_data))
    ):
        messages.success(request, "The issue is changed.")
        return dialogs.redirect_from_dialog(request, found.console_path)
    return dialogs.render_dialog(
        request,
        "issues/_edit.html",
        title="Edit issue",
        form=form,
        issue=found,
        actor=request.resource,
        shares=shares,
        must_confirm=must_confirm,
    )


@_writes
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ResourcePageRequest[Actor], issue: str) -> HttpResponse:
    """Ask, then delete an issue with all that was said to it."""
    found = _its_to_close(request, issue)
    if request.method == "POST":
        issues.delete(found, by=request.principal)
        messages.success(request, f"The issue “{found.title}” was deleted.")
        return dialogs.redirect_from_dialog(request, f"{request.resource.console_path}/issues")
    has_runs = bool(issues.attached(found))
    return dialogs.render_dialog(request, "issues/_delete.html", title="Delete issue?", issue=found, has_runs=has_runs)


@_writes
@require_POST
def take_off(request: ResourcePageRequest[Actor], issue: str, attached: str) -> HttpResponse:
    """Take a run of the user's own off an issue."""
    found = _issue(request, issue)
    issues.take_off(found, shared_runs.named_run(found, attached, request.account), by=request.principal)
    messages.success(request, f"The run {attached} is off the issue.")
    return redirect(found.console_path)


def _report(request: ResourcePageRequest[Actor], data: dict[str, str]) -> Issue:
    run = _run(request, data["run"]) if data["run"] else None
    actor = issues.load_actor(request.resource.pk)
    return issues.report(actor, data["title"], data["description"], by=request.principal, run=run)


def _rewrite(request: ResourcePageRequest[Actor], issue: Issue, data: dict[str, str]) -> bool:
    by = request.principal
    with transaction.atomic():
        if not data["run"]:
            issues.detach_run(issue, by=by)
        elif data["run"] != issue.run_id:
            issues.attach_run(issue, _run(request, data["run"]), by=by)
        issues.rewrite(issue, by=by, title=data["title"], description=data["description"])
    return True


def _run(request: ResourcePageRequest[Actor], run_id: str) -> Run:
    return issue_rules.run_to_attach(run_id, request.principal)


def _show(
    request: ResourcePageRequest[Actor], issue: Issue, form: CommentForm, shares: shared_runs.Shares | None = None
) -> HttpResponse:
    context = {
        "issue": issue,
        "comments": issue.comments.select_related("author").order_by("created_at", "pk"),
        "form": form,
        "is_author": issue_rules.may_rewrite(issue, request.principal),
        "may_close": issue_rules.may_close(issue, request.access),
        "may_write": issue_rules.may_write(request.principal),
        "runs": shared_runs.attached_runs(issue, request.account),
        "shares": shares,
        "must_confirm": shares is not None,
        "developer": issue.actor.owner,
    }
    return render(request, "issues/issue.html", context | _about(request), status=422 if form.errors else 200)


def _about(request: ResourcePageRequest[Actor]) -> dict[str, Any]:
    return {"actor": request.resource, "resource": request.resource, "owner": request.access.facts.owner_username}


def _issue(request: ResourcePageRequest[Actor], issue_id: str) -> Issue:
    if "\x00" in issue_id:
        raise Http404
    return get_object_or_404(issues.list_issues(request.resource.pk), pk=issue_id)


def _its_authors(request: ResourcePageRequest[Actor], issue_id: str) -> Issue:
    issue = _issue(request, issue_id)
    if not issue_rules.may_rewrite(issue, request.principal):
        raise Http404
    return issue


def _its_to_close(request: ResourcePageRequest[Actor], issue_id: str) -> Issue:
    issue = _issue(request, issue_id)
    if not issue_rules.may_close(issue, request.access):
        raise Http404
    return issue


def _may_write(request: ResourcePageRequest[Actor], form: forms.Form) -> bool:
    if issue_rules.count_issue_write(request.account.pk):
        return True
    form.add_error(None, "You have written to many issues. Try again later.")
    return False
