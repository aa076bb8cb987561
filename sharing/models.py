"""The models of sharing: grants, and the issues that some of them come from."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.lib.ids import new_id
from resources.models import Actor, Resource, Run
from sharing.permissions import Permission
from sharing.signatures import current_fingerprint


class Issue(models.Model):
    """A user's report about an Actor, with a run of it attached if it helps."""

    class State(models.TextChoices):
        """Whether the issue still wants attention."""

        OPEN = "OPEN", "Open"
        CLOSED = "CLOSED", "Closed"

    id = models.CharField(primary_key=True, max_length=17, default=new_id, editable=False)
    actor = models.ForeignKey(Actor, on_delete=models.CASCADE, related_name="issues")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="issues")
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="issues")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    modified_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = (models.Index(fields=("actor", "state", "created_at"), name="issue_of_actor"),)

    def __str__(self) -> str:
        return self.title

    @property
    def console_path(self) -> str:
        """The path of the issue's page in the console."""
        return f"/actors/{self.actor_id}/issues/{self.pk}"

    @property
    def console_url(self) -> str:
        """The issue's page, built from the configured public URL."""
        return settings.PUBLIC_URL + self.console_path


class IssueComment(models.Model):
    """A comment on an issue. A change of its state is one too, with `state` set."""

    id = models.BigAutoField(primary_key=True)
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="issue_comments")
    text = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=Issue.State.choices, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.text[:60]


class IssueRun(models.Model):
    """That a run is attached to an issue because its URL is in the description, or with a `comment` in that one.

    Texts that were written before URLs attached runs have no rows. The run in the field of its own is `Issue.run`.
    """

    id = models.BigAutoField(primary_key=True)
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="named_runs")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="named_in_issues")
    comment = models.ForeignKey(
        IssueComment, null=True, blank=True, on_delete=models.CASCADE, related_name="named_runs"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("issue", "run"), condition=models.Q(comment=None), name="run_named_in_description"
            ),
            models.UniqueConstraint(fields=("comment", "run"), name="run_named_in_comment"),
        )

    def __str__(self) -> str:
        return f"{self.run_id} on {self.issue_id}"


class Grant(models.Model):
    """An access right: (resource, account, permissions).

    It carries its resource's kind and creation time, so that "shared with me, newest first" is read from one
    index. A direct grant is a user's decision; one with the source ISSUE comes and goes with the issue. One that has
    ended gives nothing (sharing/grant_ends.py), and is kept for a while, to be given again.
    """

    class Source(models.TextChoices):
        """Where a grant comes from."""

        DIRECT = "DIRECT", "Direct"
        ISSUE = "ISSUE", "Issue"

    id = models.BigAutoField(primary_key=True)
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="grants", db_index=False)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="grants", db_index=False
    )
    permissions = models.PositiveSmallIntegerField(default=Permission.READ.value)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.DIRECT)
    issue = models.ForeignKey(Issue, null=True, blank=True, on_delete=models.CASCADE, related_name="grants")
    granted_by = models.CharField(max_length=17, blank=True, help_text="The account that granted it, by value.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Null: it has no end.")
    end_recorded_at = models.DateTimeField(null=True, editable=False, help_text="When its end came into the trail.")
    notice_sent_at = models.DateTimeField(null=True, editable=False, help_text="When its end was announced.")
    resource_kind = models.CharField(max_length=20)
    resource_created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("resource", "account"), condition=models.Q(source="DIRECT"), name="grant_direct_unique"
            ),
            models.UniqueConstraint(
                fields=("issue", "resource", "account"), condition=models.Q(source="ISSUE"), name="grant_issue_unique"
            ),
        )
        indexes = (
            # The decision's look: covers all that it reads.
            models.Index(fields=("resource", "account", "source", "permissions", "expires_at"), name="grant_lookup"),
            # The lists' looks, sorted as they are: they cover all that the branches of the grants read.
            models.Index(
                fields=(
                    "account",
                    "resource_kind",
                    "resource_created_at",
                    "resource",
                    "source",
                    "permissions",
                    "expires_at",
                ),
                name="grant_listing_of_kind",
            ),
            models.Index(
                fields=("account", "source", "resource_created_at", "resource", "resource_kind", "expires_at"),
                name="grant_listing_of_all",
            ),
            # Those that end, for the job that announces and records their ends.
            models.Index(
                fields=("end_recorded_at", "expires_at"),
                condition=models.Q(expires_at__isnull=False),
                name="grant_ending",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} on {self.resource_id}: {', '.join(Permission(self.permissions).names)}"


class SignedLink(models.Model):
    """A pre-signed URL that was made in the console, so that it can be seen, counted and revoked by itself.

    The signature itself is kept as a digest only: readers of the table cannot open anything with it.
    """

    class Opens(models.TextChoices):
        """What a link opens."""

        CONTENT = "CONTENT", "Content"
        RECORD = "RECORD", "Record"

    id = models.CharField(primary_key=True, max_length=17, default=new_id, editable=False)
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="links")
    opens = models.CharField(max_length=10, choices=Opens.choices)
    record_key = models.CharField(max_length=256, blank=True)
    description = models.CharField(max_length=300, blank=True, help_text="The format and fields that were asked for.")
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    # The row stays when its maker goes: without it the signature would pass for one that a client made.
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="links")
    made_by_member = models.CharField(
        max_length=17, null=True, blank=True, help_text="The `link_key` of the member who made it for an organization."
    )
    secret = models.CharField(
        max_length=16,
        blank=True,
        default=current_fingerprint,
        editable=False,
        help_text="The fingerprint of the secret that it was signed with (sharing/signatures.py).",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    use_count = models.PositiveBigIntegerField(default=0)
    revoked_at = models.DateTimeField(null=True, blank=True)
    refused_at = models.DateTimeField(
        null=True, blank=True, help_text="When it had more than the owner's cap left to live; it stays refused."
    )

    def __str__(self) -> str:
        return f"{self.opens} of {self.resource_id} until {self.expires_at:%Y-%m-%d}"


class StorageKey(models.Model):
    """That a holder was given the URL signing key of a storage. The key itself is not kept: it is derived.

    The holder is the account, or with a `token_id` that token of it, or the member whose `link_key` it is (by value: a
    token or membership that is gone signs nothing).
    After the server's secret was changed, a holder that reads its key again has a row for each of the two keys.
    """

    id = models.BigAutoField(primary_key=True)
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="keys_given", db_index=False)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="keys_given")
    token_id = models.CharField(max_length=17, blank=True, default="")
    secret = models.CharField(
        max_length=16,
        default=current_fingerprint,
        editable=False,
        help_text="The fingerprint of the secret that the key is derived from (sharing/signatures.py).",
    )
    given_at = models.DateTimeField(default=timezone.now, editable=False)
    used_at = models.DateTimeField(default=timezone.now, help_text="When the key was last given or opened something.")

    class Meta:
        # The constraint's index finds the row of one key; all rows of a storage are found by it too.
        constraints = (
            models.UniqueConstraint(fields=("resource", "account", "token_id", "secret"), name="key_of_holder"),
        )

    def __str__(self) -> str:
        return f"{self.token_id or self.account_id} for {self.resource_id}"


class EndedOldKey(models.Model):
    """That the key of a storage from before there was one for each holder has ended, for its owner too.

    Of the other storages from before `Account.old_link_keys_until`, the owner's clients still sign with that key.
    """

    resource = models.OneToOneField(Resource, primary_key=True, on_delete=models.CASCADE, related_name="old_key_ended")

    def __str__(self) -> str:
        return self.resource_id


class RefusedSignature(models.Model):
    """A signature on no list that was refused because of the owner's cap: it stays refused, also under a higher cap.

    Only its digest is kept. Only signatures that would have opened something come here, so only those who hold a key
    can fill the table, and a storage never has more than a fixed number of rows (sharing/links/link_limits.py).
    """

    id = models.BigAutoField(primary_key=True)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="refused_signatures")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Null: it has no end.")
    refused_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"of {self.resource_id}, {self.refused_at:%Y-%m-%d}"
