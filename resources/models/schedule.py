"""The model Schedule."""

from django.db import models

from resources.kinds import Kind
from resources.models.resource import Resource


class Schedule(Resource):
    """Starts Actors and tasks at times."""

    KIND = Kind.SCHEDULE
    resource_ptr = models.OneToOneField(
        Resource, primary_key=True, parent_link=True, on_delete=models.CASCADE, related_name="as_schedule"
    )
