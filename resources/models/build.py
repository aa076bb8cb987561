"""The model Build."""

from django.db import models

from resources.kinds import Kind
from resources.models.resource import Resource


class Build(Resource):
    """One version of an Actor, made ready to run."""

    KIND = Kind.BUILD
    resource_ptr = models.OneToOneField(
        Resource, primary_key=True, parent_link=True, on_delete=models.CASCADE, related_name="as_build"
    )
