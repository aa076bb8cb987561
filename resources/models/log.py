"""The model of logs."""

from django.db import models

from resources.models.resource import Resource


class LogPiece(models.Model):
    """A part of the log of a build or run, in the order in which it was written. `start` is its first byte's place."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="log", db_index=False)
    start = models.PositiveBigIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("job", "start"), name="log_piece_unique"),)

    def __str__(self) -> str:
        return f"{self.job_id}[{self.start}:]"
