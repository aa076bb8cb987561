"""The addresses of runs: one run is written once, and mounted wherever a run can be reached."""

from django.urls import URLPattern, URLResolver, include, path

from console.api.datasets import urls as dataset_urls
from console.api.key_value_stores import urls as key_value_store_urls
from console.api.request_queues import urls as request_queue_urls
from console.api.runs import actions as run_actions
from console.api.runs import log as logs
from console.api.runs import start as run_starts
from console.api.runs import views as runs
from console.http.endpoint import endpoint

# Below whatever names one run, but for its storages, which are mounted by the run's own ID elsewhere.
_SHOWN = [
    path("/abort", endpoint(POST=run_actions.abort)),
    path("/metamorph", endpoint(POST=run_actions.metamorph)),
    path("/reboot", endpoint(POST=run_actions.reboot)),
    path("/log", endpoint(GET=logs.show_of_run)),
]

of_one_run = [
    *_SHOWN,
    path("/resurrect", endpoint(POST=run_actions.resurrect)),
    path("/charge", endpoint(POST=run_actions.charge)),
    path("", endpoint(GET=runs.show, PUT=runs.update, DELETE=runs.delete)),
]

of_all_runs = [
    path("", endpoint(GET=runs.list_runs)),
]

# Where runs were before they had a collection of their own: below their Actor, which the URL names as well.
of_one_run_of_an_actor = [
    path("/abort", endpoint(POST=run_actions.abort)),
    path("/metamorph", endpoint(POST=run_actions.metamorph)),
    path("/resurrect", endpoint(POST=run_actions.resurrect)),
    path("", endpoint(GET=runs.show)),
]

of_last_run: list[URLPattern | URLResolver] = [
    path("/dataset", include(dataset_urls.of_one_dataset)),
    path("/key-value-store", include(key_value_store_urls.of_one_store)),
    path("/request-queue", include(request_queue_urls.of_one_queue)),
    *_SHOWN,
    path("", endpoint(GET=runs.show)),
]

of_one_actor = [
    path("/runs", endpoint(GET=runs.list_for_actor, POST=run_starts.start_actor)),
    path("/run-sync", endpoint(GET=run_starts.run_actor, POST=run_starts.run_actor)),
    path(
        "/run-sync-get-dataset-items",
        endpoint(GET=run_starts.run_actor_for_items, POST=run_starts.run_actor_for_items),
    ),
]

of_one_task = [
    path("/runs", endpoint(GET=runs.list_for_task, POST=run_starts.start_task)),
    path("/run-sync", endpoint(GET=run_starts.run_task, POST=run_starts.run_task)),
    path(
        "/run-sync-get-dataset-items",
        endpoint(GET=run_starts.run_task_for_items, POST=run_starts.run_task_for_items),
    ),
]
