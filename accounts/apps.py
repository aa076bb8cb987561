"""The app of accounts: who you are."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Accounts, sign-in, tokens, the principal of a request, the audit trail."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Begin to write the audit trail of what Django and django-allauth do, and hide the keys of sessions."""
        from allauth.usersessions.models import UserSession

        import accounts.sign_in_trail  # noqa: F401  # connects to their signals
        from accounts.sign_in.session_store import keep_digests_in

        keep_digests_in(UserSession._meta.get_field("session_key"))
