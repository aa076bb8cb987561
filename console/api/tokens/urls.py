"""The URLs of API tokens."""

from django.urls import path

from console.api.tokens import views as tokens
from console.http.endpoint import endpoint

urlpatterns = [
    path("", endpoint(GET=tokens.list_tokens, POST=tokens.create)),
    path("/<str:token>", endpoint(GET=tokens.show, PUT=tokens.update, DELETE=tokens.revoke)),
    path("/<str:token>/rotate", endpoint(POST=tokens.rotate)),
]
