"""The addresses of the pages for datasets, besides those that all storages have."""

from django.urls import path

from console.pages.datasets import export, upload
from console.pages.datasets import views as datasets
from resources.kinds import KINDS, Kind

DATASET = f"{KINDS[Kind.DATASET].console_path}/<str:address>"

urlpatterns = [
    path(DATASET, datasets.show_dataset, name="dataset"),
    path(f"{DATASET}/export", export.dialog, name="dataset-export"),
    path(f"{DATASET}/download", export.download, name="dataset-download"),
    path(f"{DATASET}/preview", export.preview, name="dataset-preview"),
    path(f"{DATASET}/upload", upload.dialog, name="dataset-upload"),
]
