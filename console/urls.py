"""Every address of the console and of the API."""

from django.urls import include, path

from console.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("v2/", include("console.api.urls")),
    path("", include("console.pages.urls")),
]

handler400 = "console.errors.bad_request"
handler403 = "console.errors.forbidden"
handler404 = "console.errors.not_found"
handler500 = "console.errors.server_error"
