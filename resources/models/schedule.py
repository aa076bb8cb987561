"""The models of schedules: when they start what, and what came of it."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from resources.kinds import Kind
from resources.models.resource import Resource


class Schedule(Resource):
    """Starts Actors and tasks at times, in the name of its owner.

    `actions` is JSON text of a list as the API has it. `next_at` is when it fires next; the process that moves it on
    fires, so that it fires once however many workers look (`sharing/schedules/firing.py`). `starters` is JSON, a list
    of `[token ID, member ID]`, each "" where there is none, as a run has it: the narrowed principal of the owner that
    last saved or enabled it, as which it acts; null: the whole account. `token_scope` is what is kept of scopes that
    cannot be looked up: another account's, and those from before starters were kept.
    """

    KIND = Kind.SCHEDULE
    resource_ptr = models.OneToOneField(
        Resource, primary_key=True, parent_link=True, on_delete=models.CASCADE, related_name="as_schedule"
    )

    description = models.TextField(blank=True, default="")
    cron_expression = models.CharField(max_length=200, default="0 0 * * *")
    timezone = models.CharField(max_length=64, default="UTC")
    is_enabled = models.BooleanField(default=False)
    is_exclusive = models.BooleanField(default=False)
    notify_by_email = models.BooleanField(default=True)
    actions = models.TextField(default="[]")
    token_scope = models.JSONField(null=True, blank=True)
    starters = models.JSONField(null=True, blank=True)
    next_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (models.Index(fields=("next_at",), condition=Q(is_enabled=True), name="schedule_due"),)


class ScheduleInvocation(models.Model):
    """One line of a schedule's log.

    What it names is not in the message: where that says `{target}`, `target_kind` and `target_id` are of the Actor or
    task, and a reader is told its name if the reader may know it (`sharing/schedules/schedule_log.py`). Of a line from
    before this was so, of which it could not be told which one it names, `old_target_name` keeps the name, and shows it
    to no one.
    """

    id = models.BigAutoField(primary_key=True)
    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="invocations")
    at = models.DateTimeField(default=timezone.now)
    level = models.CharField(max_length=10, default="INFO")
    message = models.TextField()
    target_kind = models.CharField(max_length=20, null=True, blank=True)
    target_id = models.CharField(max_length=100, null=True, blank=True)
    old_target_name = models.TextField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.message}"
