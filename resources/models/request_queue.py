"""The model RequestQueue."""

from django.db import models

from resources.kinds import Kind
from resources.models.resource import Resource


class RequestQueue(Resource):
    """URLs to be visited, each once."""

    KIND = Kind.REQUEST_QUEUE
    resource_ptr = models.OneToOneField(
        Resource, primary_key=True, parent_link=True, on_delete=models.CASCADE, related_name="as_request_queue"
    )
