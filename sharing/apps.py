"""The app of sharing: who may do what."""

from django.apps import AppConfig


class SharingConfig(AppConfig):
    """Permissions, the decision, grants, signatures, issues, the enforcing middleware."""

    name = "sharing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system check that fails on an undeclared view."""
        from sharing import system_checks  # noqa: F401  (importing registers)
