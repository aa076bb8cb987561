"""The models of builds: what is known of one, and what was built."""

from typing import Any

from django.db import models
from django.db.models import Q

from resources.jobs.status import AT_WORK, Job, JobStatus
from resources.kinds import Kind
from resources.models.resource import Resource


class Build(Resource, Job):
    """One version of an Actor, made ready to run. It always belongs to the Actor's owner.

    `number` is like 0.1.3. `tag` is the tag that points to it once it has succeeded. `list_owner` repeats its owner,
    for the queue of an account is read from an index over it.
    """

    KIND = Kind.BUILD
    resource_ptr = models.OneToOneField(
        Resource, primary_key=True, parent_link=True, on_delete=models.CASCADE, related_name="as_build"
    )

    number = models.CharField(max_length=30, blank=True, default="")
    tag = models.CharField(max_length=40, blank=True, default="")
    use_cache = models.BooleanField(default=True)
    list_owner = models.CharField(max_length=17, null=True, blank=True, editable=False)

    class Meta:
        indexes = (
            models.Index(fields=("lease_expires_at",), condition=Q(status__in=sorted(AT_WORK)), name="build_at_work"),
            models.Index(
                fields=("list_owner", "started_at", "resource_ptr"),
                condition=Q(status=JobStatus.READY),
                name="build_waiting",
            ),
        )

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the build, a new one with the column that the queue is read from."""
        if self._state.adding:
            self.list_owner = self.owner_id
        super().save(*args, **kwargs)


class BuildContent(models.Model):
    """What was built, as it was then: kept apart, because the decision never needs it.

    `source` is JSON text of the version (`sourceType`, `sourceFiles` and the like), `definition` that of
    `.actor/actor.json`, `input_schema` that of the input; each is empty where there is none. `environment` is the
    version's variables and which of them are secret, encrypted, for runs of this build.
    """

    build = models.OneToOneField(Build, primary_key=True, on_delete=models.CASCADE, related_name="content")
    source = models.TextField(default="{}")
    definition = models.TextField(blank=True, default="")
    input_schema = models.TextField(blank=True, default="")
    readme = models.TextField(blank=True, default="")
    changelog = models.TextField(blank=True, default="")
    environment = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return f"{self.build_id}"
