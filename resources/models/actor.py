"""The models of Actors: what is known of one, its versions with their sources and variables, and its tagged builds."""

from django.db import models

from accounts.lib.encrypted_text import EncryptedTextField
from resources.kinds import Kind
from resources.models.resource import Resource


class Actor(Resource):
    """Something that can be run: code with an input and an output.

    Its `name` is unique among its owner's Actors, `is_public` shows it in the Store and lets everybody run it.
    `details` is JSON text of an object with everything that is only kept to be given back (categories, seoTitle and
    the like): text, because PostgreSQL's JSON refuses NUL. `permission_level` is one of
    `resources/permission_levels.py`; null means full permissions.
    """

    KIND = Kind.ACTOR
    resource_ptr = models.OneToOneField(
        Resource, primary_key=True, parent_link=True, on_delete=models.CASCADE, related_name="as_actor"
    )

    description = models.TextField(blank=True, default="")
    default_build = models.CharField(max_length=40, default="latest", help_text="A build tag or build number.")
    default_timeout_secs = models.PositiveIntegerField(default=3600)
    default_memory_mbytes = models.PositiveIntegerField(default=1024)
    restart_on_error = models.BooleanField(default=False)
    permission_level = models.CharField(max_length=30, null=True, blank=True)
    details = models.TextField(default="{}")
    build_count = models.PositiveBigIntegerField(default=0)
    run_count = models.PositiveBigIntegerField(default=0)
    last_run_at = models.DateTimeField(null=True, blank=True)


class SourceType(models.TextChoices):
    """Where the source of a version is."""

    SOURCE_FILES = "SOURCE_FILES", "Source files"
    GIT_REPO = "GIT_REPO", "Git repository"
    TARBALL = "TARBALL", "Tarball"
    GITHUB_GIST = "GITHUB_GIST", "GitHub Gist"


class ActorVersion(models.Model):
    """One version of an Actor, like 0.1: where its source is, and the tag that its builds are given.

    `source_files` is JSON text of `[{"name": path, "format": "TEXT" | "BASE64", "content": str}]`.
    `source_url` may hold a password, so it is encrypted. `next_build` is the last part of the next build's number.
    """

    id = models.BigAutoField(primary_key=True)
    actor = models.ForeignKey(Actor, on_delete=models.CASCADE, related_name="versions")
    number = models.CharField(max_length=20)
    source_type = models.CharField(max_length=20, choices=SourceType.choices, default=SourceType.SOURCE_FILES)
    source_files = models.TextField(default="[]")
    source_url = EncryptedTextField(blank=True, default="")
    build_tag = models.CharField(max_length=40, blank=True, default="latest")
    apply_env_vars_to_build = models.BooleanField(default=False)
    next_build = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("actor", "number"), name="actor_version_unique"),)

    def __str__(self) -> str:
        return self.number


class EnvironmentVariable(models.Model):
    """A variable of a version's environment. A secret one is encrypted, and its value is never shown again."""

    id = models.BigAutoField(primary_key=True)
    version = models.ForeignKey(ActorVersion, on_delete=models.CASCADE, related_name="environment")
    name = models.CharField(max_length=100)
    value = models.TextField(blank=True)
    is_secret = models.BooleanField(default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("version", "name"), name="environment_variable_unique"),)

    def __str__(self) -> str:
        return self.name


class TaggedBuild(models.Model):
    """The build that a tag of an Actor, like `latest`, points to: the last one with this tag that succeeded."""

    id = models.BigAutoField(primary_key=True)
    actor = models.ForeignKey(Actor, on_delete=models.CASCADE, related_name="tagged_builds")
    tag = models.CharField(max_length=40)
    build = models.ForeignKey("Build", on_delete=models.CASCADE, related_name="tags")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("actor", "tag"), name="tagged_build_unique"),)

    def __str__(self) -> str:
        return self.tag
