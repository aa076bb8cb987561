"""The model Actor."""

from django.db import models

from resources.kinds import Kind
from resources.models.resource import Resource


class Actor(Resource):
    """Something that can be run: code with an input and an output."""

    KIND = Kind.ACTOR
    resource_ptr = models.OneToOneField(
        Resource, primary_key=True, parent_link=True, on_delete=models.CASCADE, related_name="as_actor"
    )
