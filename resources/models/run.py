"""The model Run."""

from django.db import models

from resources.kinds import Kind
from resources.models.resource import Resource


class Run(Resource):
    """One execution of an Actor, with its default storages."""

    KIND = Kind.RUN
    resource_ptr = models.OneToOneField(
        Resource, primary_key=True, parent_link=True, on_delete=models.CASCADE, related_name="as_run"
    )
