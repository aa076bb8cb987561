"""The addresses of the pages for the dashboard and the storages."""

from django.urls import path

from console.pages import dashboard, datasets, storage_dialogs

DATASET = {"kind": "dataset"}

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("storage/datasets", datasets.dataset_list, name="datasets"),
    path("storage/datasets/new", storage_dialogs.create, DATASET, name="dataset-new"),
    path("storage/datasets/<str:address>", datasets.dataset_page, name="dataset"),
    path("storage/datasets/<str:address>/api", datasets.dataset_api, name="dataset-api"),
    path("storage/datasets/<str:address>/download", datasets.dataset_download, name="dataset-download"),
    path("storage/datasets/<str:address>/rename", storage_dialogs.rename, DATASET, name="dataset-rename"),
    path("storage/datasets/<str:address>/delete", storage_dialogs.delete, DATASET, name="dataset-delete"),
]
