"""The same datasets twice: with guardian's generic table of permissions, and with a table of its own.

Neither has an index on the time of creation, as one would write them; the benchmark adds one for part of its figures.
"""

from django.conf import settings
from django.db import models
from guardian.models import UserObjectPermissionBase


class Dataset(models.Model):
    """A dataset whose grants are in guardian's generic table, as is usual."""

    id = models.CharField(primary_key=True, max_length=17)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=63)
    created_at = models.DateTimeField()

    class Meta:
        app_label = "guardian_project"

    def __str__(self) -> str:
        return self.name


class DirectDataset(models.Model):
    """A dataset whose grants point to it by a foreign key, which guardian offers for speed."""

    id = models.CharField(primary_key=True, max_length=17)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=63)
    created_at = models.DateTimeField()

    class Meta:
        app_label = "guardian_project"

    def __str__(self) -> str:
        return self.name


class DirectDatasetUserObjectPermission(UserObjectPermissionBase):
    """A grant on a DirectDataset."""

    content_object = models.ForeignKey(DirectDataset, on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        app_label = "guardian_project"
