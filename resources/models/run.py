"""The model of runs."""

from typing import Any

from django.db import models
from django.db.models import Q

from resources.jobs.status import AT_WORK, Job, JobStatus
from resources.kinds import Kind
from resources.models.build import Build
from resources.models.resource import Resource


class Run(Resource, Job):
    """One execution of an Actor, with its storages. It belongs to the account that started it.

    `build_option` is what was asked for (a tag or number), `build` what it came to. `graceful_until` is when an
    aborted or timed out run is stopped for good. `before_millis` is how long it ran before it was resurrected or
    rebooted, `metamorphs` and `charged_events` are JSON. `token_id` is the API token that speaks for the run's owner
    as long as the run goes on, derived by `token_counter` (null: 0), within `token_scope`, that of the token that the
    run was started with, if it had one. `started_by_token` is the ID of that token, through any runs in between; null
    where there was none.
    `starters` is JSON, a list of `[token ID, member ID]`, each "" where there is none: the principals that started it,
    resurrected or metamorphed it, whose narrowings it has. `permission_level` is the level that it has (null: full),
    `input_names` JSON, an object with a list of permissions for the ID of each storage that its input names.
    `started_by_run` is the ID of the run that started this one, null where none did.
    `restart_requested` is set by a reboot or metamorph of a run at work: its worker stops
    what runs, clears it, reads the run anew, and starts what `build` is then, with the same storages.
    `migration_count` is how often a worker that was to stop gave it back, null for never.
    What was measured of it is that of all its attempts, but for what is `current`, which is null in runs from before it
    was measured. `received_bytes` and `sent_bytes` are also null where it shared the server's network.
    `event_prices` is JSON, an object with the price in USD of each event that it can charge for, as they were when it
    was started; null where its Actor is not paid by event.
    `charge_keys` is JSON, a list: the keys of charges that have been counted.

    The `list_` columns repeat what stands in the resource's own row and never changes there (but that an Actor or task
    that is deleted is no one's): lists of runs with a status are read from indexes over them and the status, and the
    last run of an origin is the first one in another.
    """

    KIND = Kind.RUN
    resource_ptr = models.OneToOneField(
        Resource, primary_key=True, parent_link=True, on_delete=models.CASCADE, related_name="as_run"
    )

    build = models.ForeignKey(Build, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs")
    build_number = models.CharField(max_length=30, blank=True, default="")
    build_option = models.CharField(max_length=40, blank=True, default="")
    is_status_message_terminal = models.BooleanField(default=False)
    disk_mbytes = models.PositiveIntegerField(default=0)
    max_items = models.PositiveBigIntegerField(null=True, blank=True)
    max_total_charge_usd = models.FloatField(null=True, blank=True)
    restart_on_error = models.BooleanField(default=False)
    schedule_id = models.CharField(max_length=17, blank=True, default="")
    scheduled_at = models.DateTimeField(null=True, blank=True)
    graceful_until = models.DateTimeField(null=True, blank=True)
    input_bytes = models.PositiveBigIntegerField(default=0)
    before_millis = models.PositiveBigIntegerField(default=0)
    migration_count = models.PositiveIntegerField(null=True, blank=True)
    reboot_count = models.PositiveIntegerField(default=0)
    restart_requested = models.BooleanField(default=False)
    restart_count = models.PositiveIntegerField(default=0)
    resurrect_count = models.PositiveIntegerField(default=0)
    metamorphs = models.JSONField(default=list)
    charged_events = models.JSONField(default=dict)
    charge_keys = models.JSONField(default=list)
    event_prices = models.JSONField(null=True, blank=True)
    memory_max_bytes = models.PositiveBigIntegerField(default=0)
    memory_average_bytes = models.PositiveBigIntegerField(default=0)
    cpu_millis = models.PositiveBigIntegerField(default=0)
    memory_current_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    cpu_max_percent = models.FloatField(null=True, blank=True)
    cpu_current_percent = models.FloatField(null=True, blank=True)
    received_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    sent_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    token_id = models.CharField(max_length=17, blank=True, default="")
    token_counter = models.PositiveIntegerField(null=True, blank=True)
    token_scope = models.JSONField(null=True, blank=True)
    started_by_token = models.CharField(max_length=17, null=True, blank=True)
    starters = models.JSONField(null=True, blank=True)
    permission_level = models.CharField(max_length=30, null=True, blank=True)
    input_names = models.JSONField(null=True, blank=True)
    started_by_run = models.CharField(max_length=17, null=True, blank=True)
    list_owner = models.CharField(max_length=17, blank=True, default="", editable=False)
    list_actor = models.CharField(max_length=17, blank=True, default="", editable=False)
    list_task = models.CharField(max_length=17, blank=True, default="", editable=False)
    list_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        indexes = (
            models.Index(fields=("lease_expires_at",), condition=Q(status__in=sorted(AT_WORK)), name="run_at_work"),
            models.Index(
                fields=("list_owner", "list_at", "resource_ptr"),
                condition=Q(status=JobStatus.READY),
                name="run_waiting",
            ),
            models.Index(
                fields=("started_by_run", "list_at"),
                condition=Q(status=JobStatus.READY, started_by_run__isnull=False),
                name="run_waiting_of_run",
            ),
            models.Index(fields=("build",), name="run_of_build"),
            models.Index(fields=("schedule_id",), condition=~Q(schedule_id=""), name="run_of_schedule"),
            # Each with the ID at its end: lists are sorted by it where times are the same, and read nothing else.
            models.Index(fields=("list_owner", "status", "list_at", "resource_ptr"), name="run_by_status"),
            models.Index(
                fields=("list_owner", "list_actor", "status", "list_at", "resource_ptr"), name="run_of_actor_by_status"
            ),
            models.Index(
                fields=("list_owner", "list_task", "status", "list_at", "resource_ptr"), name="run_of_task_by_status"
            ),
            models.Index(fields=("list_owner", "list_actor", "origin", "list_at"), name="run_of_actor_by_origin"),
            models.Index(fields=("list_owner", "list_task", "origin", "list_at"), name="run_of_task_by_origin"),
        )

    @property
    def current_actor_id(self) -> str:
        """The ID of the Actor that the run is now: that of its last metamorph, or the one that was started.

        It is empty where that Actor was deleted and the run was never turned into another one.
        """
        return str(self.metamorphs[-1]["actorId"]) if self.metamorphs else self.actor_id or ""

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the run, a new one with the columns that lists are read from."""
        if self._state.adding:
            self.list_owner, self.list_at = self.owner_id, self.created_at
            self.list_actor, self.list_task = self.actor_id or "", self.task_id or ""
        super().save(*args, **kwargs)
