"""The addresses of the pages for sharing: the dialog of every kind, what is shared with me, asking for access."""

from collections.abc import Iterator

from django.urls import URLPattern, path

from console.pages.sharing import access_requests as asking
from console.pages.sharing import dialog as share
from console.pages.sharing import shared_with_me as shared
from resources.kinds import KINDS, Kind


def _of_kind(kind: Kind) -> Iterator[URLPattern]:
    page = f"{KINDS[kind].console_path}/<str:address>"
    names_kind = {"kind": kind.value}
    yield path(f"{page}/share", share.dialog, names_kind, name=f"share-{kind.value}")
    yield path(f"{page}/share/people/<str:account_id>", share.change, names_kind)
    yield path(f"{page}/share/people/<str:account_id>/remove", share.remove, names_kind)
    yield path(f"{page}/share/people/<str:account_id>/extend", share.extend, names_kind)
    yield path(f"{page}/share/people/<str:account_id>/give-again", share.give_again, names_kind)
    yield path(f"{page}/share/undo", share.put_back, names_kind)
    yield path(f"{page}/share/general-access", share.general_access, names_kind)
    yield path(f"{page}/share/give-up", share.give_up, names_kind)


urlpatterns: list[URLPattern] = [
    path("shared", shared.list_shared, name="shared"),
    path("ask-for-access", asking.request_access, name="ask-for-access"),
    *(pattern for kind in Kind for pattern in _of_kind(kind)),
]
