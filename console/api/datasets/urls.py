"""The addresses of datasets, below whatever names the collection or the one dataset."""

from django.urls import path

from console.api.datasets import items as dataset_items
from console.api.datasets import views as datasets
from console.http.endpoint import endpoint

# The hot path comes first: Django tries one pattern after the other.
of_one_dataset = [
    path("/items", endpoint(GET=dataset_items.read, POST=dataset_items.append)),
    path("/statistics", endpoint(GET=dataset_items.statistics)),
    path("", endpoint(GET=datasets.show, PUT=datasets.update, DELETE=datasets.delete)),
]

of_all_datasets = [
    path("", endpoint(GET=datasets.list_datasets, POST=datasets.get_or_create)),
]
