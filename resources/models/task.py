"""The model of tasks."""

from django.db import models

from resources.kinds import Kind
from resources.models.resource import Resource


class Task(Resource):
    """An Actor with an input that has been saved.

    `options` is JSON text of an object (build, timeoutSecs, memoryMbytes and the like), empty values left out. `input`
    is the text of the saved input, empty where there is none. `details` is JSON text of an object with what is only
    kept to be given back (`actorStandby`).
    """

    KIND = Kind.TASK
    resource_ptr = models.OneToOneField(
        Resource, primary_key=True, parent_link=True, on_delete=models.CASCADE, related_name="as_task"
    )

    description = models.TextField(blank=True, default="")
    options = models.TextField(default="{}")
    details = models.TextField(default="{}")
    input = models.TextField(blank=True, default="")
    input_content_type = models.CharField(max_length=255, default="application/json; charset=utf-8")
    run_count = models.PositiveBigIntegerField(default=0)
    last_run_at = models.DateTimeField(null=True, blank=True)
