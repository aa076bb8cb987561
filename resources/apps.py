"""The app of resources: what there is."""

from django.apps import AppConfig


class ResourcesConfig(AppConfig):
    """Actors, tasks, schedules, builds, runs, storages, and their content."""

    name = "resources"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let the files of a key-value store wait when it is deleted."""
        import resources.records.discarding  # noqa: F401  # connects to the deletion
