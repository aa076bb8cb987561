"""The addresses of request queues: written once, and mounted wherever a queue can be reached."""

from django.urls import path

from console.api.request_queues import head as queue_head
from console.api.request_queues import requests as queue_requests
from console.api.request_queues import views as request_queues
from console.http.endpoint import endpoint

# Below whatever names one queue. The hot ones come first: Django tries one pattern after the other.
of_one_queue = [
    path("/head/lock", endpoint(POST=queue_head.lock)),
    path("/requests", endpoint(GET=queue_requests.list_requests, POST=queue_requests.add)),
    path("/requests/batch", endpoint(POST=queue_requests.add_batch, DELETE=queue_requests.delete_batch)),
    path("/requests/unlock", endpoint(POST=queue_head.unlock_all)),
    path(
        "/requests/<str:request_id>",
        endpoint(GET=queue_requests.show, PUT=queue_requests.replace, DELETE=queue_requests.delete),
    ),
    path("/requests/<str:request_id>/lock", endpoint(PUT=queue_head.prolong, DELETE=queue_head.unlock)),
    path("/head", endpoint(GET=queue_head.show)),
    path("", endpoint(GET=request_queues.show, PUT=request_queues.update, DELETE=request_queues.delete)),
]

of_all_queues = [
    path("", endpoint(GET=request_queues.list_queues, POST=request_queues.get_or_create)),
]
