"""The addresses of the pages of an Actor's issues."""

from django.urls import path

from console.pages.issues import shared_runs as issue_runs
from console.pages.issues import views as issues

_ISSUE = "actors/<str:address>/issues/<str:issue>"

urlpatterns = [
    path("actors/<str:address>/issues", issues.list_issues, name="actor-issues"),
    path("actors/<str:address>/issues/new", issues.new, name="actor-issue-new"),
    path("actors/<str:address>/issues/shares", issue_runs.preview, name="actor-issue-shares"),
    path(_ISSUE, issues.show, name="actor-issue"),
    path(f"{_ISSUE}/comment", issues.comment, name="actor-issue-comment"),
    path(f"{_ISSUE}/state", issues.set_state, name="actor-issue-state"),
    path(f"{_ISSUE}/edit", issues.edit, name="actor-issue-edit"),
    path(f"{_ISSUE}/runs/<str:attached>/take-off", issues.take_off, name="actor-issue-take-off"),
    path(f"{_ISSUE}/delete", issues.delete, name="actor-issue-delete"),
]
