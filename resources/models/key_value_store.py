"""The models of key-value stores: what is known of one, and what is known of each record. The bytes are files."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from resources.kinds import Kind
from resources.models.resource import Resource

MAX_KEY_LENGTH = 256


class KeyValueStore(Resource):
    """Records under keys, with counters that move in the transaction of what they count.

    `stored_bytes` is what the records take as they are stored, compressed or not. Reads and lists are counted a moment
    later (`resources/usage/read_counter.py`, `resources/records/usage.py`). `schema` is JSON text with the collections
    that keys belong to, empty where there is none: text, because PostgreSQL's JSON refuses NUL.
    """

    KIND = Kind.KEY_VALUE_STORE
    resource_ptr = models.OneToOneField(
        Resource, primary_key=True, parent_link=True, on_delete=models.CASCADE, related_name="as_key_value_store"
    )

    record_count = models.PositiveBigIntegerField(default=0)
    stored_bytes = models.PositiveBigIntegerField(default=0)
    write_count = models.PositiveBigIntegerField(default=0)
    delete_count = models.PositiveBigIntegerField(default=0)
    list_count = models.PositiveBigIntegerField(default=0)
    schema = models.TextField(blank=True, default="")


class BytewiseCharField(models.CharField):  # type: ignore[type-arg]  # its own parameters are Django's business
    """Text that every database puts in the order of its bytes, as SQLite does, whatever the language of the server."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """Return the column's type, with PostgreSQL's collation of plain bytes."""
        collation = {"collation": "C"} if connection.vendor == "postgresql" else {}
        return {**super().db_parameters(connection), **collation}


class Record(models.Model):
    """What is known of one record. `file` names its bytes in the storage; no two records ever share one.

    `content_type` and `content_encoding` are as they were sent, `size` is that of the bytes as they are stored, and
    `digest` changes with the bytes, the type and the encoding.
    """

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(KeyValueStore, on_delete=models.CASCADE, related_name="records", db_index=False)
    key = BytewiseCharField(max_length=MAX_KEY_LENGTH)
    content_type = models.CharField(max_length=255)
    content_encoding = models.CharField(max_length=20, blank=True)
    size = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=32)
    file = models.CharField(max_length=100)
    created_at = models.DateTimeField()
    modified_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("store", "key"), name="record_key_unique"),
            models.UniqueConstraint(fields=("file",), name="record_file_unique"),
        )

    def __str__(self) -> str:
        return f"{self.store_id}/{self.key}"


class DiscardedFile(models.Model):
    """A file that a record named until it was replaced or deleted, and when that was.

    It is deleted after RECORDS_WAIT_HOURS (`resources/records/discarding.py`).
    """

    file = models.CharField(primary_key=True, max_length=100)
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.file
