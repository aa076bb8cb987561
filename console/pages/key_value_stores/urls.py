"""The addresses of the pages for key-value stores, besides those that all storages have."""

from django.urls import path

from console.pages.key_value_stores import records
from console.pages.key_value_stores import upload as record_upload
from console.pages.key_value_stores import views as key_value_stores
from resources.kinds import KINDS, Kind

STORE = f"{KINDS[Kind.KEY_VALUE_STORE].console_path}/<str:address>"

urlpatterns = [
    path(STORE, key_value_stores.show_store, name="key-value-store"),
    path(f"{STORE}/upload", record_upload.upload, name="record-upload"),
    path(f"{STORE}/upload/key", record_upload.key_warning, name="record-upload-key"),
    # For the keys that no path can end with; they are in the query.
    path(f"{STORE}/record", records.show, name="record-in-query"),
    path(f"{STORE}/record/content", records.content, name="record-in-query-content"),
    path(f"{STORE}/record/delete", records.delete, name="record-in-query-delete"),
    path(f"{STORE}/records/<str:key>", records.show, name="record"),
    path(f"{STORE}/records/<str:key>/content", records.content, name="record-content"),
    path(f"{STORE}/records/<str:key>/delete", records.delete, name="record-delete"),
]
