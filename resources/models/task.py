"""The model Task."""

from django.db import models

from resources.kinds import Kind
from resources.models.resource import Resource


class Task(Resource):
    """An Actor with an input that has been saved."""

    KIND = Kind.TASK
    resource_ptr = models.OneToOneField(
        Resource, primary_key=True, parent_link=True, on_delete=models.CASCADE, related_name="as_task"
    )
