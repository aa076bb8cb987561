"""The addresses of the pages for request queues, besides those that all storages have."""

from django.urls import path

from console.pages.request_queues import requests as queue_requests
from console.pages.request_queues import views as request_queues
from resources.kinds import KINDS, Kind

QUEUE = f"{KINDS[Kind.REQUEST_QUEUE].console_path}/<str:address>"

urlpatterns = [
    path(QUEUE, request_queues.show_queue, name="request-queue"),
    path(f"{QUEUE}/add", queue_requests.add, name="queued-request-add"),
    path(f"{QUEUE}/unlock", queue_requests.unlock_all, name="queued-requests-unlock"),
    path(f"{QUEUE}/requests/<str:request_id>", queue_requests.show, name="queued-request"),
    path(f"{QUEUE}/requests/<str:request_id>/delete", queue_requests.delete, name="queued-request-delete"),
]
