"""The addresses of an Actor's issues, below the Actor's."""

from django.urls import path

from console.api.issues import views as issues
from console.http.endpoint import endpoint

of_one_actor = [
    path("/issues", endpoint(GET=issues.list_issues, POST=issues.open_issue)),
    path(
        "/issues/<str:issue>",
        endpoint(GET=issues.show_issue, PUT=issues.change_issue, DELETE=issues.delete_issue),
    ),
    path("/issues/<str:issue>/comments", endpoint(POST=issues.add_comment)),
]
