"""The addresses of the pages for the dashboard and the storages."""

from collections.abc import Iterator

from django.urls import URLPattern, path

from console.pages import dashboard, datasets, storage_dialogs, storage_lists
from resources.kinds import KINDS, STORAGES, Kind

DATASET = f"{KINDS[Kind.DATASET].console_path}/<str:address>"


def _of_every_storage(kind: Kind) -> Iterator[URLPattern]:
    """Yield what the three storages have in common: the list, named like "datasets", and the dialogs."""
    info, names_kind = KINDS[kind], {"kind": kind.value}
    page, name = f"{info.console_path}/<str:address>", info.noun.replace(" ", "-")
    yield path(info.console_path, storage_lists.page, names_kind, name=info.plural.replace(" ", "-"))
    yield path(f"{info.console_path}/new", storage_dialogs.create, names_kind, name=f"{name}-new")
    yield path(f"{page}/api", storage_dialogs.api, names_kind, name=f"{name}-api")
    yield path(f"{page}/rename", storage_dialogs.rename, names_kind, name=f"{name}-rename")
    yield path(f"{page}/delete", storage_dialogs.delete, names_kind, name=f"{name}-delete")


urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    *(pattern for kind in STORAGES for pattern in _of_every_storage(kind)),
    path(DATASET, datasets.dataset_page, name="dataset"),
    path(f"{DATASET}/download", datasets.dataset_download, name="dataset-download"),
]
