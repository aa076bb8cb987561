"""The addresses of the pages."""

from django.urls import include, path

urlpatterns = [
    path("", include("console.pages.sign_in_urls")),
    path("settings", include("console.pages.settings_urls")),
    path("", include("console.pages.run_urls")),
    path("", include("console.pages.task_urls")),
    path("", include("console.pages.actor_urls")),
    path("", include("console.pages.schedule_urls")),
    path("", include("console.pages.issue_urls")),
    path("", include("console.pages.sharing_urls")),
    path("", include("console.pages.storage_urls")),
]
