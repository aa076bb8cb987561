"""Addresses of a view that somebody forgot to declare."""

from django.http import HttpRequest, HttpResponse
from django.urls import path


def undeclared(request: HttpRequest) -> HttpResponse:
    return HttpResponse("secret")


urlpatterns = [path("undeclared", undeclared), path("v2/undeclared", undeclared)]
handler403 = "console.errors.forbidden"
