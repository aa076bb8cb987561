"""The addresses of the pages that the three storages have in common."""

from collections.abc import Iterator

from django.urls import URLPattern, path

from console.pages.storages import dialogs as storage_dialogs
from console.pages.storages import links
from console.pages.storages import lists as storage_lists
from resources.kinds import KINDS, STORAGES, Kind


def _of_every_storage(kind: Kind) -> Iterator[URLPattern]:
    """Yield what the three storages have in common: the list, named like "datasets", and the dialogs."""
    info, names_kind = KINDS[kind], {"kind": kind.value}
    page, name = f"{info.console_path}/<str:address>", info.noun.replace(" ", "-")
    yield path(info.console_path, storage_lists.list_storages, names_kind, name=info.plural.replace(" ", "-"))
    yield path(f"{info.console_path}/new", storage_dialogs.create_view(kind), name=f"{name}-new")
    yield path(f"{page}/api", storage_dialogs.api, names_kind, name=f"{name}-api")
    yield path(f"{page}/rename", storage_dialogs.rename, names_kind, name=f"{name}-rename")
    yield path(f"{page}/delete", storage_dialogs.delete, names_kind, name=f"{name}-delete")
    yield path(
        f"{page}/end-creator-access",
        storage_dialogs.end_creator_access,
        names_kind,
        name=f"{name}-end-creator-access",
    )
    yield path(f"{page}/link", links.create, names_kind, name=f"{name}-link")
    yield path(f"{page}/links", links.link_list, names_kind, name=f"{name}-links")
    yield path(f"{page}/links/revoke-all", links.revoke_all, names_kind, name=f"{name}-links-revoke-all")
    yield path(f"{page}/links/<str:link_id>/revoke", links.revoke, names_kind, name=f"{name}-link-revoke")


urlpatterns = [pattern for kind in STORAGES for pattern in _of_every_storage(kind)]
