"""The table that holds, for every kind, what the decision needs."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.lib.ids import new_id
from resources.kinds import KINDS, Kind, KindInfo


class GeneralAccess(models.TextChoices):
    """Who may read a resource without having been given access to it."""

    FOLLOW_USER_SETTING = "FOLLOW_USER_SETTING", "Follow the owner's setting"
    ANYONE_WITH_ID_CAN_READ = "ANYONE_WITH_ID_CAN_READ", "Anyone with ID can read"
    ANYONE_WITH_NAME_CAN_READ = "ANYONE_WITH_NAME_CAN_READ", "Anyone with name or ID can read"
    RESTRICTED = "RESTRICTED", "Restricted"


class Resource(models.Model):
    """One row for every resource of every kind; each kind adds its own columns in a table of its own.

    `actor` is the Actor of a task, build or run; `task` the task that started a run; `run` the run whose storage
    this is, a default one where `alias` is null, else the one that the Actor's definition declares by this alias.
    `created_by_token` is the ID of the API token that it was created with, by itself or by a run that it started;
    default storages have none. `created_by_actor` is the Actor whose run created a storage, as long as no run of
    another Actor has opened it by its name.
    Deleting a run deletes its storages: left behind, they would follow the account's setting instead of the run's, and
    could open by that.
    """

    KIND: ClassVar[Kind]

    id = models.CharField(primary_key=True, max_length=17, default=new_id, editable=False)
    kind = models.CharField(max_length=20, choices=[(kind.value, info.noun) for kind, info in KINDS.items()])
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="resources")
    name = models.CharField(max_length=63, null=True, blank=True)
    title = models.CharField(max_length=200, blank=True)
    general_access = models.CharField(
        max_length=30, choices=GeneralAccess.choices, default=GeneralAccess.FOLLOW_USER_SETTING
    )
    is_public = models.BooleanField(default=False)
    actor = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="of_actor", db_index=False
    )
    task = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="of_task", db_index=False
    )
    run = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="default_storages", db_index=False
    )
    alias = models.CharField(max_length=200, null=True, blank=True)
    created_by_token = models.CharField(max_length=17, null=True, blank=True)
    created_by_actor = models.CharField(max_length=17, null=True, blank=True)
    link_counter = models.PositiveIntegerField(default=0)
    read_count = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    modified_at = models.DateTimeField(default=timezone.now)
    accessed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "kind", "name"), condition=Q(name__isnull=False), name="resource_name_unique"
            ),
            # An Actor's name is found by this index in any case.
            models.UniqueConstraint("owner", Lower("name"), condition=Q(kind=Kind.ACTOR), name="actor_name_unique"),
        )
        indexes = (
            # Lists are sorted by the ID where times are the same, and those that are read most read nothing else.
            models.Index(fields=("owner", "kind", "created_at", "id"), name="resource_of_owner"),
            # What has a name may be little among a million default storages, and what lists of the API give by default.
            models.Index(
                fields=("owner", "kind", "created_at", "id"), condition=Q(name__isnull=False), name="resource_named"
            ),
            models.Index(
                fields=("actor", "kind", "created_at"), condition=Q(actor__isnull=False), name="resource_of_actor"
            ),
            # A user's runs of an Actor that the whole world runs, and of one Actor among many; of a task likewise.
            models.Index(
                fields=("owner", "actor", "kind", "created_at", "id"),
                condition=Q(actor__isnull=False),
                name="resource_of_owner_and_actor",
            ),
            models.Index(
                fields=("task", "owner", "created_at", "id"), condition=Q(task__isnull=False), name="resource_of_task"
            ),
            models.Index(fields=("run", "kind"), condition=Q(run__isnull=False), name="resource_of_run"),
            models.Index(
                fields=("created_by_token", "created_at"),
                condition=Q(created_by_token__isnull=False),
                name="resource_made_by_token",
            ),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not args and hasattr(type(self), "KIND"):
            self.kind = self.KIND

    def __str__(self) -> str:
        return self.name or self.pk

    @property
    def info(self) -> KindInfo:
        """The row of this resource's kind in the table of kinds."""
        return KINDS[Kind(self.kind)]

    @property
    def console_path(self) -> str:
        """The path of the resource's page in the console."""
        return f"/{self.info.console_path}/{self.pk}"

    @property
    def api_url(self) -> str:
        """The resource's address in the API, built from the configured public URL and never from the Host header."""
        return f"{settings.PUBLIC_URL}/v2/{self.info.api_path}/{self.pk}"

    @property
    def console_url(self) -> str:
        """The resource's page, built from the configured public URL and never from the Host header."""
        return settings.PUBLIC_URL + self.console_path
