"""The addresses of the pages."""

from django.urls import include, path

from console.pages.settings.organization import urls as organization_urls

urlpatterns = [
    path("", include("console.pages.account.urls")),
    path("settings", include("console.pages.settings.urls")),
    path("", include(organization_urls.of_person)),
    path("", include("console.pages.runs.urls")),
    path("", include("console.pages.tasks.urls")),
    path("", include("console.pages.actors.urls")),
    path("", include("console.pages.schedules.urls")),
    path("", include("console.pages.issues.urls")),
    path("", include("console.pages.sharing.urls")),
    path("", include("console.pages.dashboard.urls")),
    # Before each kind of storage: "new" is no dataset.
    path("", include("console.pages.storages.urls")),
    path("", include("console.pages.datasets.urls")),
    path("", include("console.pages.key_value_stores.urls")),
    path("", include("console.pages.request_queues.urls")),
]
