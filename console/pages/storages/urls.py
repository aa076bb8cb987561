"""The addresses of the pages for the dashboard and the storages."""

from collections.abc import Iterator

from django.urls import URLPattern, path

from console.pages.dashboard import upgrade_notices
from console.pages.dashboard import views as dashboard
from console.pages.datasets import export, upload
from console.pages.datasets import views as datasets
from console.pages.key_value_stores import records
from console.pages.key_value_stores import upload as record_upload
from console.pages.key_value_stores import views as key_value_stores
from console.pages.request_queues import requests as queue_requests
from console.pages.request_queues import views as request_queues
from console.pages.storages import dialogs as storage_dialogs
from console.pages.storages import links
from console.pages.storages import lists as storage_lists
from resources.kinds import KINDS, STORAGES, Kind

DATASET = f"{KINDS[Kind.DATASET].console_path}/<str:address>"
STORE = f"{KINDS[Kind.KEY_VALUE_STORE].console_path}/<str:address>"
QUEUE = f"{KINDS[Kind.REQUEST_QUEUE].console_path}/<str:address>"


def _of_every_storage(kind: Kind) -> Iterator[URLPattern]:
    """Yield what the three storages have in common: the list, named like "datasets", and the dialogs."""
    info, names_kind = KINDS[kind], {"kind": kind.value}
    page, name = f"{info.console_path}/<str:address>", info.noun.replace(" ", "-")
    yield path(info.console_path, storage_lists.page, names_kind, name=info.plural.replace(" ", "-"))
    yield path(f"{info.console_path}/new", storage_dialogs.create, names_kind, name=f"{name}-new")
    yield path(f"{page}/api", storage_dialogs.api, names_kind, name=f"{name}-api")
    yield path(f"{page}/rename", storage_dialogs.rename, names_kind, name=f"{name}-rename")
    yield path(f"{page}/delete", storage_dialogs.delete, names_kind, name=f"{name}-delete")
    yield path(f"{page}/link", links.create, names_kind, name=f"{name}-link")
    yield path(f"{page}/links", links.link_list, names_kind, name=f"{name}-links")
    yield path(f"{page}/links/revoke-all", links.revoke_all, names_kind, name=f"{name}-links-revoke-all")
    yield path(f"{page}/links/<str:link_id>/revoke", links.revoke, names_kind, name=f"{name}-link-revoke")


urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("notices/<int:notice_id>/close", upgrade_notices.close, name="upgrade-notice-close"),
    *(pattern for kind in STORAGES for pattern in _of_every_storage(kind)),
    path(DATASET, datasets.dataset_page, name="dataset"),
    path(f"{DATASET}/export", export.dialog, name="dataset-export"),
    path(f"{DATASET}/download", export.download, name="dataset-download"),
    path(f"{DATASET}/preview", export.preview, name="dataset-preview"),
    path(f"{DATASET}/upload", upload.dialog, name="dataset-upload"),
    path(STORE, key_value_stores.page, name="key-value-store"),
    path(f"{STORE}/upload", record_upload.upload, name="record-upload"),
    path(f"{STORE}/upload/key", record_upload.key_warning, name="record-upload-key"),
    # For the keys that no path can end with; they are in the query.
    path(f"{STORE}/record", records.show, name="record-in-query"),
    path(f"{STORE}/record/content", records.content, name="record-in-query-content"),
    path(f"{STORE}/record/delete", records.delete, name="record-in-query-delete"),
    path(f"{STORE}/records/<str:key>", records.show, name="record"),
    path(f"{STORE}/records/<str:key>/content", records.content, name="record-content"),
    path(f"{STORE}/records/<str:key>/delete", records.delete, name="record-delete"),
    path(QUEUE, request_queues.page, name="request-queue"),
    path(f"{QUEUE}/add", queue_requests.add, name="queued-request-add"),
    path(f"{QUEUE}/unlock", queue_requests.unlock_all, name="queued-requests-unlock"),
    path(f"{QUEUE}/requests/<str:request_id>", queue_requests.show, name="queued-request"),
    path(f"{QUEUE}/requests/<str:request_id>/delete", queue_requests.delete, name="queued-request-delete"),
]
