"""The model of logs."""

from django.db import models
from django.db.models import Q

from resources.models.resource import Resource


class LogPiece(models.Model):
    """A part of the log of a build or run, in the order in which it was written. `start` is its first byte's place.

    `is_ours` says that the server wrote it, and that no word of it was printed by an Actor.
    """

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="log", db_index=False)
    start = models.PositiveBigIntegerField()
    data = models.BinaryField()
    is_ours = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("job", "start"), name="log_piece_unique"),)
        # They are few, and a log that was written for hours has a hundred thousand others.
        indexes = (models.Index(fields=("job", "start"), condition=Q(is_ours=True), name="log_piece_ours"),)

    def __str__(self) -> str:
        return f"{self.job_id}[{self.start}:]"
