"""The app of accounts: who you are."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Accounts, sign-in, tokens, the principal of a request, the audit trail."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
