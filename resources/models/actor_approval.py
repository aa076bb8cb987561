"""The model of approvals: an account lets an Actor of another account have full permissions in its runs."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from resources.models.actor import Actor


class ApprovedHow(models.TextChoices):
    """How an approval was given."""

    CONSOLE = "CONSOLE", "In the console"
    MIGRATION = "MIGRATION", "By migration"


class ActorApproval(models.Model):
    """An account's approval of an Actor. `person_id` is the account of the user who gave it, "" for a migration."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="actor_approvals", db_index=False
    )
    actor = models.ForeignKey(Actor, on_delete=models.CASCADE, related_name="approvals")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    person_id = models.CharField(max_length=17, blank=True, default="")
    how = models.CharField(max_length=20, choices=ApprovedHow.choices, default=ApprovedHow.CONSOLE)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "actor"), name="actor_approval_unique"),)

    def __str__(self) -> str:
        return f"{self.actor_id} for {self.account_id}"
