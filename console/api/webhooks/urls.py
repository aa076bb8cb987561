"""The addresses of webhooks and their dispatches."""

from django.urls import path

from console.api.webhooks import views as webhooks
from console.http.endpoint import endpoint

of_webhooks = [
    path("webhooks", endpoint(GET=webhooks.list_webhooks, POST=webhooks.create)),
    path("webhooks/<str:webhook>", endpoint(GET=webhooks.show, PUT=webhooks.update, DELETE=webhooks.delete)),
    path("webhooks/<str:webhook>/test", endpoint(POST=webhooks.try_out)),
    path("webhooks/<str:webhook>/dispatches", endpoint(GET=webhooks.list_dispatches_of_webhook)),
    path("webhook-dispatches", endpoint(GET=webhooks.list_dispatches)),
    path("webhook-dispatches/<str:dispatch_id>", endpoint(GET=webhooks.show_dispatch)),
    path("actors/<str:address>/webhooks", endpoint(GET=webhooks.list_for_actor)),
    path("acts/<str:address>/webhooks", endpoint(GET=webhooks.list_for_actor)),
    path("actor-tasks/<str:address>/webhooks", endpoint(GET=webhooks.list_for_task)),
]
