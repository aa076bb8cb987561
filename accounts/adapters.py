"""What Latchkey does differently from django-allauth.

Addresses in emails are built from the configured public URL and never from the Host header, emails leave after
the commit, and what changes an account is written together with its line in the audit trail.
"""

import logging
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.utils import get_next_redirect_url
from allauth.core import context
from allauth.core.internal.httpkit import get_client_ip
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.administration import administrator
from accounts.deployment import sign_up_policy
from accounts.email_addresses import normalize
from accounts.lib.encryption import CannotDecrypt, decrypt, encrypt
from accounts.lib.public_urls import public_url
from accounts.mail.links import RESET_PASSWORD, VERIFY_EMAIL, PendingLink
from accounts.mail.queue import send_on_commit
from accounts.models import Account
from accounts.principal import ANONYMOUS, Principal
from accounts.sign_in import sign_in_limits
from accounts.sign_in.reauthentication import is_fresh
from accounts.sign_in.second_factors import UNREADABLE

_logger = logging.getLogger(__name__)

UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104  # stands for "no address", nothing is bound to it


def _next() -> str | None:
    """Return the page that the person wants to end up on, when it is one of ours."""
    return get_next_redirect_url(context.request) if context.request else None


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_taken": _("This username is taken."),
        "username_password_mismatch": _("The username or email and the password do not match."),
        "email_password_mismatch": _("The username or email and the password do not match."),
        "too_many_login_attempts": _("Too many failed attempts. Try again in a few minutes."),
        "duplicate_email": _("This is the email that the account has already."),
        "enter_current_password": _("This is not the current password."),
        "incorrect_password": _("This is not the password of the account."),
        "incorrect_code": _("This code is not right, or no longer."),
        "rate_limited": _("That was too often. Try again in a minute."),
    }

    # Sign-up

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Tell whether a user can sign up without an invitation; django-allauth asks it before each page and form."""
        return sign_up_policy.is_open()

    def save_user(self, request: HttpRequest, user: Account, form: Any, commit: bool = True) -> Account:
        """Make the account of a sign-up. All of django-allauth's ways to make one come through here.

        Raises:
            PermissionDenied: where sign-up is not open.
        """
        if not sign_up_policy.is_open():
            raise PermissionDenied(sign_up_policy.why_closed())
        saved: Account = super().save_user(request, user, form, commit)
        return saved

    # Sign-in

    def pre_login(self, request: HttpRequest, user: Account, **kwargs: Any) -> Any:
        """Refuse a sign-in as an organization; all of django-allauth's ways to sign in come through here.

        Raises:
            PermissionDenied: for an organization.
        """
        if user.is_organization:
            raise PermissionDenied(_("An organization cannot sign in. Sign in as a member of it."))
        return super().pre_login(request, user, **kwargs)

    # Addresses

    def clean_email(self, email: str) -> str:
        """Return an e-mail in the form in which it is stored.

        Raises:
            ValidationError: when it is not an address.
        """
        try:
            return normalize(email)
        except ValueError:
            raise ValidationError(_("Enter a valid email address."), code="invalid") from None

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        """Return the link that verifies an email, and leads on to where the person wanted to go."""
        address = emailconfirmation.email_address
        return PendingLink(VERIFY_EMAIL, address.pk, address.email, _next())

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link that resets a password, and leads on to where the person wanted to go."""
        uid, _dash, secret = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": secret})
        return public_url(path, next=_next())

    def is_safe_url(self, url: str) -> bool:
        """Tell whether `url` is a page of this host, and so a place to go on to."""
        hosts = {context.request.get_host(), urlsplit(settings.PUBLIC_URL).netloc}
        return url_has_allowed_host_and_scheme(url, hosts, require_https=context.request.is_secure())

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Return where a changed password leads back to."""
        return reverse("settings-security")

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address of the client, believing only as many proxies as are configured."""
        try:
            return self._client_ip(request)
        except ImproperlyConfigured:  # fewer entries in X-Forwarded-For than there should be proxies
            return UNKNOWN_ADDRESS

    def _client_ip(self, request: HttpRequest) -> str:
        return get_client_ip(request) or UNKNOWN_ADDRESS

    # E-mails

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Have a worker send an email once what it tells of is committed."""
        request = globals()["context"].request
        links = {"password_reset_url": "account_reset_password"}
        if sign_up_policy.is_open():
            links["signup_url"] = "account_signup"
        ours = {key: public_url(reverse(name), next=_next()) for key, name in links.items()}
        known = {"request": request, "email": email, "public_url": settings.PUBLIC_URL}
        message = self.render_mail(template_prefix, email, known | ours | _without_foreign_links(context))
        link = next((each for each in context.values() if isinstance(each, PendingLink)), None)
        send_on_commit(message, link)

    def send_password_reset_mail(self, user: Account, email: str, context: dict[str, Any]) -> None:
        """Send the email that resets a password, with a link that is made when it is sent; an organization has none."""
        if user.is_organization:
            return
        link = PendingLink(RESET_PASSWORD, user.pk, email, _next())
        super().send_password_reset_mail(user, email, {**context, "password_reset_url": link})

    # What leaves a line in the audit trail

    def set_password(self, user: Account, password: str) -> None:
        """Give an account a new password, known by its owner (changed) or by their email (reset)."""
        had_one = user.has_usable_password()
        user.set_password(password)  # slow on purpose, so before the transaction
        by = link_principal(user)
        action = (
            "password.reset"
            if acting_principal(user).is_anonymous
            else "password.changed"
            if had_one
            else "password.set"
        )
        with transaction.atomic():
            user.save(update_fields=["password"])
            audit.record(action, by=by, account_id=user.pk)

    def confirm_email(self, request: HttpRequest, email_address: Any) -> bool:
        """Mark an email as verified, and as the account's own."""
        before = Account.objects.get(pk=email_address.user_id).email
        try:
            with transaction.atomic():
                if not super().confirm_email(request, email_address):
                    return False
                by, email = link_principal(email_address.user), email_address.email
                action, details = "email.verified", {"email": email}
                if email != before:
                    action, details = "email.changed", {"before": before, "after": email}
                audit.record(action, by=by, account_id=email_address.user_id, **details)
        except IntegrityError:  # another account has been faster, verified or not
            self.add_message(
                request,
                messages.ERROR,
                "account/messages/email_confirmation_failed.txt",
                {"email": email_address.email},
            )
            return False
        return True

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count a password that is about to be tried.

        It takes the place of django-allauth's own limit, which counts everybody behind an address together.

        Raises:
            ValidationError: when there were too many wrong ones.
        """
        self._attempt = sign_in_limits.attempt(request, _login_from(credentials))
        if self._attempt is None:
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Return the account that the credentials are right for, else None; a right password counts as no attempt."""
        user = super().authenticate(request, **credentials)
        if user is not None and self._attempt is not None:
            self._attempt.succeeded()
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Tell an account that its password was tried. Names that do not exist are not revealed."""
        account = Account.objects.named_at_sign_in(_login_from(credentials))
        if account is not None:
            with transaction.atomic():
                audit.record("sign_in.failed", by=acting_principal(account), account_id=account.pk)

    # Freshness

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Tell whether the person must prove again who they are before something sensitive."""
        return not is_fresh(context.request)


def _login_from(credentials: dict[str, Any]) -> str:
    return str(credentials.get("email") or credentials.get("username") or "")


def _without_foreign_links(fields: dict[str, Any]) -> dict[str, Any]:
    """Leave out the links that allauth built from the Host header; ours take their place.

    A link with a key in it was built by this adapter and stays.
    """
    has_key = "key" in fields
    return {
        name: value
        for name, value in fields.items()
        if name != "signup_url" and (has_key or name != "password_reset_url")
    }


def acting_principal(account: Any) -> Principal:
    """Return who acts: the administrator, the account where it is signed in in this request, else none."""
    if administrator.is_administrator_acting():
        return administrator.ADMINISTRATOR
    user = getattr(context.request, "user", None)
    if user is not None and user.is_authenticated and user.pk == account.pk:
        found: Principal = user.principal
        return found
    return ANONYMOUS


def link_principal(account: Any) -> Principal:
    """Return who acts by a link from an email: the user whose email it is, signed in or not, or the administrator."""
    if administrator.is_administrator_acting():
        return administrator.ADMINISTRATOR
    found: Principal = account.principal
    return found


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Second factors. Their secrets are encrypted in the database."""

    error_messages = {**DefaultMFAAdapter.error_messages, "incorrect_code": _("This code is not right, or no longer.")}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return whom a passkey is for: the host of the public URL, whatever the Host header says."""
        return {"id": urlsplit(settings.PUBLIC_URL).hostname or "localhost", "name": "Latchkey"}

    def encrypt(self, text: str) -> str:
        """Return a secret as the database has it."""
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Return a secret.

        Raises:
            ValidationError: where it was encrypted with a SECRET_KEY that is not known any more; it is logged, too.
        """
        try:
            return decrypt(encrypted_text)
        except CannotDecrypt as error:
            _logger.error("A second factor was encrypted with another SECRET_KEY.")  # no traceback
            raise ValidationError(
                _("The server cannot read this second factor. Its administrator has to help."), code=UNREADABLE
            ) from error
