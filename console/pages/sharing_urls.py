"""The addresses of the pages for sharing: the dialog of every kind, what is shared with me, asking for access."""

from collections.abc import Iterator

from django.urls import URLPattern, path

from console.pages import asking, resource, share, shared
from resources.kinds import KINDS, STORAGES, Kind

# Kinds whose page shows their content, and so is written for them.
WITH_THEIR_OWN_PAGE = {Kind.ACTOR, Kind.BUILD, Kind.RUN, Kind.TASK, Kind.SCHEDULE, *STORAGES}


def _of_kind(kind: Kind) -> Iterator[URLPattern]:
    page = f"{KINDS[kind].console_path}/<str:address>"
    names_kind = {"kind": kind.value}
    if kind not in WITH_THEIR_OWN_PAGE:
        yield path(page, resource.page, names_kind, name=f"resource-{kind.value}")
    yield path(f"{page}/share", share.dialog, names_kind, name=f"share-{kind.value}")
    yield path(f"{page}/share/people/<str:account_id>", share.change, names_kind)
    yield path(f"{page}/share/people/<str:account_id>/remove", share.remove, names_kind)
    yield path(f"{page}/share/undo", share.put_back, names_kind)
    yield path(f"{page}/share/general-access", share.general_access, names_kind)
    yield path(f"{page}/share/give-up", share.give_up, names_kind)


urlpatterns: list[URLPattern] = [
    path("shared", shared.page, name="shared"),
    path("ask-for-access", asking.ask, name="ask-for-access"),
    *(pattern for kind in Kind for pattern in _of_kind(kind)),
]
