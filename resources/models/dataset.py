"""The models of datasets: what is known of one, and the chunks that hold its items."""

from django.db import models

from resources.kinds import Kind
from resources.models.resource import Resource


class Dataset(Resource):
    """An append-only list of JSON objects, with counters that are kept as it grows.

    `stored_bytes` is the size of the items as they were pushed, `compressed_bytes` what they take in the database.
    `fields` are the top-level keys of the items, in the order in which they first came, up to a limit.
    """

    KIND = Kind.DATASET
    resource_ptr = models.OneToOneField(
        Resource, primary_key=True, parent_link=True, on_delete=models.CASCADE, related_name="as_dataset"
    )

    item_count = models.PositiveBigIntegerField(default=0)
    clean_item_count = models.PositiveBigIntegerField(default=0)
    write_count = models.PositiveBigIntegerField(default=0)
    stored_bytes = models.PositiveBigIntegerField(default=0)
    compressed_bytes = models.PositiveBigIntegerField(default=0)
    fields = models.JSONField(default=list)


class DatasetChunk(models.Model):
    """A run of neighbouring items in one compressed piece."""

    id = models.BigAutoField(primary_key=True)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    first_offset = models.PositiveBigIntegerField()
    end_offset = models.PositiveBigIntegerField()
    ends = models.BinaryField(help_text="Where each item ends within the bytes: unsigned 32-bit, little-endian.")
    data = models.BinaryField(help_text="The items one after another, compressed with zstd.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("dataset", "end_offset"), name="dataset_chunk_end"),)

    def __str__(self) -> str:
        return f"{self.dataset_id}[{self.first_offset}:{self.end_offset}]"
