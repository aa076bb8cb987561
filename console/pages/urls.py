"""The addresses of the pages."""

from django.urls import include, path

urlpatterns = [
    path("", include("console.pages.account.urls")),
    path("settings", include("console.pages.settings.urls")),
    path("", include("console.pages.runs.urls")),
    path("", include("console.pages.tasks.urls")),
    path("", include("console.pages.actors.urls")),
    path("", include("console.pages.schedules.urls")),
    path("", include("console.pages.issues.urls")),
    path("", include("console.pages.sharing.urls")),
    path("", include("console.pages.storages.urls")),
]
