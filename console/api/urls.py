"""The addresses of the HTTP API, below `/v2/`."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, include, path

from console.api.access import views as access_rights
from console.api.actors import store
from console.api.actors import urls as actor_urls
from console.api.approvals import views as approvals
from console.api.builds import urls as build_urls
from console.api.datasets import urls as dataset_urls
from console.api.issues import urls as issue_urls
from console.api.key_value_stores import urls as key_value_store_urls
from console.api.openapi import views as openapi
from console.api.request_queues import urls as request_queue_urls
from console.api.runs import log as logs
from console.api.runs import urls as run_urls
from console.api.users import usage as user_usage
from console.api.users import views as users
from console.api.webhooks import urls as webhook_urls
from console.http.endpoint import endpoint
from resources.kinds import KINDS, Kind, KindInfo

# Another name for the same collection, from before tasks and runs had theirs.
_ALIASES = {Kind.ACTOR: "acts"}


def _of_actors() -> Iterator[URLResolver]:
    """Yield Actors, by both names of their collection."""
    for collection in ("actors", "acts"):
        yield path(collection, include(actor_urls.of_all_actors))
        yield path(f"{collection}/<str:address>", include(actor_urls.of_one_actor))
        yield path(f"{collection}/<str:address>", include(issue_urls.of_one_actor))
        yield path(f"{collection}/<str:actor>/builds/<str:address>", include(build_urls.of_one_build_of_an_actor))


def _of_runs() -> Iterator[URLPattern | URLResolver]:
    """Yield runs, at their own address and at those of the Actor or task that they are of, and logs."""
    yield path("actor-runs", include(run_urls.of_all_runs))
    yield path("actor-runs/<str:address>", include(run_urls.of_one_run))
    for collection in ("actors", _ALIASES[Kind.ACTOR]):
        yield path(f"{collection}/<str:address>", include(run_urls.of_one_actor))
        yield path(f"{collection}/<str:last_of_actor>/runs/last", include(run_urls.of_last_run))
        yield path(f"{collection}/<str:of_actor>/runs/<str:address>", include(run_urls.of_one_run_of_an_actor))
    yield path("actor-tasks/<str:address>", include(run_urls.of_one_task))
    yield path("actor-tasks/<str:last_of_task>/runs/last", include(run_urls.of_last_run))
    yield path("actor-builds/<str:address>/log", endpoint(GET=logs.show), {"kind": Kind.BUILD.value})
    yield path("logs/<str:job>", endpoint(GET=logs.show))


def _of_every_kind() -> Iterator[URLPattern]:
    """Yield what can be done with a resource of any kind: see and change who has access to it."""
    for kind, info in KINDS.items():
        for collection in filter(None, (info.api_path, _ALIASES.get(kind))):
            yield from _of_kind(info, f"{collection}/<str:address>")


def _of_kind(info: KindInfo, one: str) -> Iterator[URLPattern]:
    kind = {"kind": info.kind.value}
    yield path(f"{one}/access-rights", endpoint(GET=access_rights.list_rights), kind)
    one_right = endpoint(PUT=access_rights.put_right, DELETE=access_rights.delete_right)
    yield path(f"{one}/access-rights/<str:account>", one_right, kind)
    yield path(f"{one}/access", endpoint(GET=access_rights.explain), kind)


# Each storage is written once, and mounted at its own address and at that of the run whose default storage it is. The
# hot path comes first: Django tries one pattern after the other.
urlpatterns = [
    path("datasets/<str:address>", include(dataset_urls.of_one_dataset)),
    path("datasets", include(dataset_urls.of_all_datasets)),
    path("actor-runs/<str:run>/dataset", include(dataset_urls.of_one_dataset)),
    path("actor-runs/<str:run>/key-value-store", include(key_value_store_urls.of_one_store)),
    path("actor-runs/<str:run>/request-queue", include(request_queue_urls.of_one_queue)),
    path("key-value-stores", include(key_value_store_urls.of_all_stores)),
    path("key-value-stores/<str:address>", include(key_value_store_urls.of_one_store)),
    path("request-queues", include(request_queue_urls.of_all_queues)),
    path("request-queues/<str:address>", include(request_queue_urls.of_one_queue)),
    *_of_actors(),
    path("actor-builds", include(build_urls.of_all_builds)),
    path("actor-builds/<str:address>", include(build_urls.of_one_build)),
    path("store", endpoint(GET=store.list_store)),
    path("actor-tasks", include("console.api.tasks.urls")),
    path("schedules", include("console.api.schedules.urls")),
    *webhook_urls.of_webhooks,
    path("tokens", include("console.api.tokens.urls")),
    *_of_runs(),
    path("organizations", include("console.api.organizations.urls")),
    path("users/me", endpoint(GET=users.show_own_user)),
    path("users/me/usage/monthly", endpoint(GET=user_usage.show_monthly)),
    path("users/me/limits", endpoint(GET=user_usage.show_limits, PUT=user_usage.update_limits)),
    path("users/<str:user>", endpoint(GET=users.show_user)),
    *_of_every_kind(),
    path("actor-approvals", endpoint(GET=approvals.list_approvals)),
    path("actor-approvals/<str:actor>", endpoint(DELETE=approvals.withdraw)),
    path("openapi.json", endpoint(GET=openapi.show)),
]
