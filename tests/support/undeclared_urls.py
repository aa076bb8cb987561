"""Addresses of views whose declarations are missing, or do not say which tokens the view takes."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from resources.kinds import Kind
from sharing.declare import SignedIn, Takes, declare


def undeclared(request: HttpRequest) -> HttpResponse:
    return HttpResponse("secret")


def _incomplete(need: SignedIn):
    return declare({"GET": need})(lambda request: HttpResponse("secret"))


urlpatterns = [
    path("undeclared", undeclared),
    path("v2/undeclared", undeclared),
    path("v2/takes-nothing-said", _incomplete(SignedIn())),
    path("v2/takes-any-without-a-reason", _incomplete(SignedIn(Takes.ANY))),
    path("v2/takes-a-scope-without-a-permission", _incomplete(SignedIn(Takes.SCOPE, Kind.ACTOR))),
]
handler403 = "console.http.error_handlers.forbidden"
