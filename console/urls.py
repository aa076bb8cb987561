"""Every address of the console and of the API."""

from django.urls import include, path

from console.health import healthz, livez, readyz

urlpatterns = [
    path("v2/", include("console.api.urls")),  # first, as Django tries one after the other
    path("healthz", healthz, name="healthz"),
    path("livez", livez, name="livez"),
    path("readyz", readyz, name="readyz"),
    path("", include("console.pages.urls")),
]

handler400 = "console.http.error_handlers.bad_request"
handler403 = "console.http.error_handlers.forbidden"
handler404 = "console.http.error_handlers.not_found"
handler500 = "console.http.error_handlers.server_error"
