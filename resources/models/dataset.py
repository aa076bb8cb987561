"""The models of datasets: what is known of one, the chunks that hold its items, and the statistics of its fields."""

from typing import Any

from django.db import models
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from resources.kinds import Kind
from resources.models.resource import Resource


class Dataset(Resource):
    """An append-only list of JSON objects, with counters that are kept as it grows.

    `stored_bytes` is the size of the items as JSON text, `compressed_bytes` what they take in the database.
    `fields` are the top-level keys of the items, in the order in which they first came, up to a limit;
    `fields_are_columns` says that the limit was never met and no value was ever an array or an object, so that
    they are the columns of a table of the items as well. The `loose` chunks are the small ones at the end that
    wait to be merged (`resources/datasets/writing.py`). `schema` is JSON text that is given back as it came, empty
    where there is none: text, because PostgreSQL's JSON refuses NUL.
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
    loose_chunks = models.PositiveIntegerField(default=0)
    loose_weight = models.PositiveIntegerField(default=0)
    fields_are_columns = models.BooleanField(default=True)
    fields = models.JSONField(default=list)
    schema = models.TextField(blank=True, default="", db_default="")


class DatasetChunk(models.Model):
    """A run of neighbouring items in one compressed piece.

    The items stand one after another, each followed by a line feed, which can occur in none of them: what is
    pushed with line breaks is compacted. So a chunk is JSON Lines as it is, and a JSON array after one replacement.
    """

    id = models.BigAutoField(primary_key=True)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    first_offset = models.PositiveBigIntegerField()
    end_offset = models.PositiveBigIntegerField()
    ends = models.BinaryField(help_text="Where each item ends within the bytes: unsigned 32-bit, little-endian.")
    data = models.BinaryField(help_text="The items, each followed by a line feed, compressed with zstd.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("dataset", "end_offset"), name="dataset_chunk_end"),)

    def __str__(self) -> str:
        return f"{self.dataset_id}[{self.first_offset}:{self.end_offset}]"


class DatasetStatistics(models.Model):
    """What has been found out about the fields of a dataset's first `item_count` items."""

    dataset = models.OneToOneField(Dataset, primary_key=True, on_delete=models.CASCADE, related_name="statistics")
    item_count = models.PositiveBigIntegerField()
    # Text and not JSON: PostgreSQL's JSON refuses NUL, and a number may be larger than it can hold.
    by_field = models.TextField()

    def __str__(self) -> str:
        return f"{self.dataset_id}[:{self.item_count}]"


@receiver(pre_delete, sender=Dataset)
def _wait_for_writers(instance: Dataset, **_: Any) -> None:
    """Lock the row before its chunks are deleted, so that no push adds another one in between.

    Runs inside the transaction of the deletion. The chunks then go in one statement, never through Python.
    """
    Dataset.objects.select_for_update(of=("self",)).filter(pk=instance.pk).values_list("pk").first()
