"""Accounts, their API tokens, and the audit trail."""

import re
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth import get_backends
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.email_addresses import normalize_or_lower
from accounts.lib.ids import looks_like_id, new_id
from accounts.principal import Principal

USERNAME = re.compile(r"\A[a-zA-Z0-9](?:[a-zA-Z0-9._-]{1,28})[a-zA-Z0-9]\Z")
# Words with a meaning in URLs and queries, so no account may have them as its name.
RESERVED_USERNAMES = frozenset({"me", "anonymous", "nobody", "admin", "root", "system", "latchkey"})


class AccountGeneralAccess(models.TextChoices):
    """Who may read what an account's runs, builds and storages that follow the account's setting."""

    ANYONE_WITH_ID_CAN_READ = "ANYONE_WITH_ID_CAN_READ", _("Anyone with ID can read")
    RESTRICTED = "RESTRICTED", _("Restricted")


def default_general_access() -> str:
    """Return the level that a new account starts with; a deployment chooses it."""
    return str(settings.DEFAULT_GENERAL_ACCESS)


def validate_username(value: str) -> None:
    """Refuse usernames that could be taken for an ID or for a word with a meaning of its own.

    Raises:
        ValidationError: with a sentence for the person who chose the name.
    """
    if looks_like_id(value):
        raise ValidationError(_("A username must not look like an account ID."), code="looks_like_id")
    if value.lower() in RESERVED_USERNAMES:
        raise ValidationError(_("This username is reserved."), code="reserved")


class AccountKind(models.TextChoices):
    """What an account is. A user signs in as a person, and acts for the organizations that they are a member of."""

    PERSON = "PERSON", _("Person")
    ORGANIZATION = "ORGANIZATION", _("Organization")


class AccountManager(BaseUserManager["Account"]):
    """Makes accounts, and finds them by what people type."""

    def create_user(self, username: str, email: str, password: str | None = None, **fields: Any) -> "Account":
        """Create an account; a password of None makes one that cannot sign in with a password."""
        account = self.model(username=username, email=normalize_or_lower(email), **fields)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def get_by_natural_key(self, username: str | None) -> "Account":
        """Return the account with this username, whatever its case."""
        return self.alias(lowered=Lower("username")).get(lowered=(username or "").lower())

    def find(self, text: str, among: "models.QuerySet[Account] | None" = None) -> "Account | None":
        """Return the account that `text` names by user ID, username or verified e-mail; None when there is none.

        It is looked for `among` these accounts; when they are not given, among all active ones. An e-mail that was
        never verified may belong to another person, so it names no account.
        """
        text = text.strip()
        if "\x00" in text or not text:
            return None
        accounts = self.filter(is_active=True) if among is None else among
        if "@" in text:
            email = normalize_or_lower(text)
            verified = accounts.filter(email=email, emailaddress__email=email, emailaddress__verified=True)
            return verified.first()
        by_id = accounts.filter(pk=text).first() if looks_like_id(text) else None
        return by_id or accounts.alias(lowered=Lower("username")).filter(lowered=text.lower()).first()

    def named_at_sign_in(self, login: str) -> "Account | None":
        """Return the account that a user means by a username or e-mail at sign-in, active or not, verified or not."""
        login = login.strip()
        if "\x00" in login or not login:
            return None
        persons = self.filter(kind=AccountKind.PERSON)
        if "@" in login:
            return persons.filter(email=normalize_or_lower(login)).first()
        return persons.alias(lowered=Lower("username")).filter(lowered=login.lower()).first()


class Account(AbstractBaseUser):
    """A person, who signs in, or an organization. Both own resources."""

    id = models.CharField(primary_key=True, max_length=17, default=new_id, editable=False)
    username = models.CharField(
        _("username"),
        max_length=30,
        validators=[
            RegexValidator(
                USERNAME,
                _("Use 3 to 30 letters, digits, dots, dashes and underscores, with a letter or digit at both ends."),
            ),
            validate_username,
        ],
    )
    kind = models.CharField(max_length=20, choices=AccountKind.choices, default=AccountKind.PERSON, db_default="PERSON")
    email = models.EmailField(_("email"), max_length=254, unique=True)
    general_access = models.CharField(
        max_length=30, choices=AccountGeneralAccess.choices, default=default_general_access
    )
    share_runs_with_actor_creators = models.BooleanField(default=False)
    link_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="How many days a pre-signed URL may last; null: for ever."
    )
    link_counter = models.PositiveIntegerField(
        default=0,
        help_text="Part of the keys that sign pre-signed URLs to what it owns; raising it ends them.",
    )
    readers_make_links = models.BooleanField(
        default=False, help_text="Whether users who may only read a Restricted storage can make pre-signed URLs to it."
    )
    old_link_keys_until = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Storages from before this moment keep the key that they had before each holder had one.",
    )
    limits_new_actors = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Whether new Actors have limited permissions where nothing else is said.",
    )
    skips_actor_approvals = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether it runs full Actors of other accounts without approving them.",
    )
    notify_when_shared = models.BooleanField(default=True)
    notify_of_issues = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[AccountManager] = AccountManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    class Meta:
        constraints = (
            models.UniqueConstraint(
                Lower("username"),
                name="account_username_unique",
                violation_error_message=_("This username is taken."),
            ),
        )
        indexes = (
            models.Index(
                fields=("id",), condition=models.Q(share_runs_with_actor_creators=True), name="account_sharing_runs"
            ),
        )

    def __str__(self) -> str:
        return self.username

    @property
    def is_organization(self) -> bool:
        """Whether it is an organization, as which no user signs in."""
        return self.kind == AccountKind.ORGANIZATION

    @property
    def principal(self) -> Principal:
        """The principal that speaks for the whole account."""
        return Principal(self.pk, self.username, self.email)

    def check_password(self, raw_password: str | None) -> bool:
        """Tell whether this is the account's password; an organization has none."""
        return not self.is_organization and super().check_password(raw_password)

    def clean(self) -> None:
        """Keep e-mails in one form, so that one person cannot have two accounts by accident."""
        super().clean()
        self.email = normalize_or_lower(self.email)

    def has_perm(self, permission: str, resource: Any = None) -> bool:
        """Tell whether any authentication backend allows `permission` on `resource`.

        There are no permissions without a resource, and no account is a superuser.
        """
        return (self.is_active and resource is not None) and any(
            backend.has_perm(self, permission, resource) for backend in get_backends() if hasattr(backend, "has_perm")
        )


class OrganizationRole(models.Model):
    """What members of an organization may do for it.

    `permissions` is `{"actors": [str], "tasks": [str], "storages": [str], "schedules": [str], "account": [str]}`, as
    `accounts.principal.Role` has them. The role of the Owner has all of them, and cannot be changed.
    """

    id = models.CharField(primary_key=True, max_length=17, default=new_id, editable=False)
    organization = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="roles")
    name = models.CharField(max_length=40)
    permissions = models.JSONField(default=dict)
    is_owner = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint("organization", Lower("name"), name="organization_role_name_unique"),)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """That a person is a member of an organization, with one role.

    `link_key` is what the links and signing keys that the member makes belong to: they end with the membership.
    """

    id = models.BigAutoField(primary_key=True)
    link_key = models.CharField(max_length=17, unique=True, default=new_id, editable=False)
    organization = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="members", db_index=False)
    person = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    role = models.ForeignKey(OrganizationRole, on_delete=models.PROTECT, related_name="members")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("organization", "person"), name="membership_unique"),)

    def __str__(self) -> str:
        return f"{self.person_id} in {self.organization_id}"


class OrganizationInvitation(models.Model):
    """That a person can become a member of an organization, with `role`, or take the role of its Owner.

    `next_role` is the role that the Owner has once a member has accepted theirs; null where a person is to become a
    member. `invited_by` is the user ID of the member who invited, empty for a token of the organization.
    """

    id = models.CharField(primary_key=True, max_length=17, default=new_id, editable=False)
    organization = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="sent_invitations", db_index=False)
    person = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="organization_invitations")
    role = models.ForeignKey(OrganizationRole, on_delete=models.CASCADE, related_name="invitations")
    next_role = models.ForeignKey(OrganizationRole, null=True, on_delete=models.CASCADE, related_name="+")
    invited_by = models.CharField(max_length=17, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "person"), name="organization_invitation_unique"),
        )

    def __str__(self) -> str:
        return f"{self.person_id} to {self.organization_id}"


class ActorRuns(models.TextChoices):
    """What the runs that a scoped token starts may do."""

    RESTRICTED = "RESTRICTED", _("What the token may do")
    FULL = "FULL", _("All that the Actor may do")


class ApiToken(models.Model):
    """A secret that speaks for an account on the HTTP API. Only its SHA-256 is kept.

    `member_id` is the member whose token of an organization it is: it has the member's role, and ends with the
    membership. `run_details` is JSON text of a run that it was made for (accounts/narrowings.py).
    """

    id = models.CharField(primary_key=True, max_length=17, default=new_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=160, blank=True, default="", db_default="")
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    hint = models.CharField(max_length=8, help_text="The last characters of the token, to recognise it by.")
    scope = models.JSONField(null=True, blank=True, help_text="See accounts.principal.Scope; null is everything.")
    default_run_storages = models.BooleanField(
        default=False, db_default=False, help_text="See accounts.principal.Scope."
    )
    actor_runs = models.CharField(
        max_length=20, choices=ActorRuns.choices, default=ActorRuns.RESTRICTED, db_default="RESTRICTED"
    )
    member_id = models.CharField(max_length=17, blank=True, default="", db_default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_by = models.CharField(
        max_length=60, blank=True, default="", db_default="", help_text="The program that used it last."
    )
    warned_of = models.DateTimeField(null=True, blank=True, help_text="The end that its owner was written about.")
    revoked_at = models.DateTimeField(null=True, blank=True)
    run_id = models.CharField(max_length=17, blank=True, default="", help_text="The run that it was made for, if any.")
    run_is_of_other_account = models.BooleanField(default=False, help_text="See accounts.principal.RunIdentity.")
    started_by_token = models.CharField(
        max_length=17, blank=True, default="", help_text="The API token that started the run, if any."
    )
    run_details = models.TextField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=("account", "-created_at"), name="api_token_of_account"),
            models.Index(
                fields=("expires_at",),
                condition=Q(expires_at__isnull=False, revoked_at=None),
                name="api_token_that_ends",
            ),
        )

    def __str__(self) -> str:
        return self.name


class FormerTokenText(models.Model):
    """The text that an API token had before it was rotated: it works until `ends_at`. Only its SHA-256 is kept."""

    id = models.BigAutoField(primary_key=True)
    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="former_texts")
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    hint = models.CharField(max_length=8, help_text="Its last characters.")
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.hint


class Invitation(models.Model):
    """A link for one email to make an account (accounts/sign_up/invitations.py); only its key's SHA-256 is kept."""

    id = models.CharField(primary_key=True, max_length=17, default=new_id, editable=False)
    email = models.EmailField(max_length=254, db_index=True)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    account_id = models.CharField(max_length=17, blank=True, default="", help_text="The account that it has made.")

    def __str__(self) -> str:
        return self.email


class AuditEvent(models.Model):
    """One line of the audit trail. It names accounts and resources by value, so that it outlives them.

    `person_id` is the member who acted for the account, where that is an organization.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=timezone.now, editable=False)
    action = models.CharField(max_length=60)
    actor_id = models.CharField(max_length=17, blank=True, help_text="The account that acted; empty for nobody.")
    actor_username = models.CharField(max_length=30, blank=True)
    token_id = models.CharField(max_length=17, blank=True, help_text="The API token it acted with, if any.")
    person_id = models.CharField(max_length=17, null=True, blank=True)
    person_username = models.CharField(max_length=30, null=True, blank=True)
    run_id = models.CharField(max_length=17, null=True, blank=True, help_text="The run it acted in, if any.")
    account_id = models.CharField(max_length=17, blank=True, help_text="The account whose trail this belongs to.")
    subject_kind = models.CharField(max_length=20, blank=True)
    subject_id = models.CharField(max_length=17, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        indexes = (
            models.Index(fields=("account_id", "-at"), name="audit_of_account"),
            models.Index(fields=("subject_id", "-at"), name="audit_of_subject"),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action}"


class CacheEntry(models.Model):
    """The table of Django's database cache, as a model, so that migrations make it.

    Rate limits are kept there: they must hold across worker processes and machines, on both databases, without
    another service to run.
    """

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.cache_key


class SignInAddress(models.Model):
    """An address that a user has signed in from; see accounts/sign_in/sign_in_limits.py."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="sign_in_addresses")
    address = models.CharField(max_length=45, help_text="An IPv4 address, or the network of an IPv6 address.")
    last_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint("account", "address", name="sign_in_address_unique"),)

    def __str__(self) -> str:
        return self.address


class ListeningAddress(models.Model):
    """An address that a server of this deployment listens on; see accounts/deployment/exposure.py."""

    machine = models.CharField(max_length=100)
    process_space = models.CharField(
        max_length=100, blank=True, default="", help_text="Where the process ID says something: boot and PID namespace."
    )
    process_id = models.BigIntegerField(help_text="The server's main process, to see whether it is still there.")
    address = models.CharField(max_length=100, help_text="An IP address or host name, without the port.")
    public_url = models.CharField(max_length=500)
    secrets = models.TextField(blank=True, default="", help_text="Digests of those that the process knows.")
    seen_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                *("machine", "process_space", "process_id", "address", "public_url"), name="listening_address_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.machine} {self.address}"


class UpgradeNotice(models.Model):
    """What an upgrade changed for a user or the administrator; see accounts/deployment/upgrade_notices.py."""

    key = models.CharField(max_length=60)
    account_id = models.CharField(max_length=17, blank=True, help_text="Empty for the administrator.")
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint("account_id", "key", name="upgrade_notice_unique"),)

    def __str__(self) -> str:
        return self.key


class DeploymentFact(models.Model):
    """What all servers and workers of this database must agree in; see resources/start_checks.py."""

    name = models.CharField(max_length=40, primary_key=True)
    value = models.CharField(max_length=300)
    machine = models.CharField(max_length=100, help_text="The host that said so.")
    set_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.name} {self.value}"


class OutgoingEmail(models.Model):
    """An email that a worker is to send; see accounts/mail/queue.py. A link with a secret in it is not in the texts."""

    id = models.CharField(primary_key=True, max_length=17, default=new_id, editable=False)
    recipients = models.JSONField()
    subject = models.TextField()
    text = models.TextField()
    html = models.TextField(blank=True)
    link = models.JSONField(null=True, blank=True, help_text="Which link is put where; see accounts/mail/links.py.")
    tries = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.subject
