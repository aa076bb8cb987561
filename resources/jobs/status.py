"""What builds and runs have in common: the states that a job goes through, and where it was asked for."""

from django.db import models


class JobStatus(models.TextChoices):
    """The life cycle of a build or run. READY is waiting for a worker, the states in -ING are on their way out."""

    READY = "READY", "Ready"
    RUNNING = "RUNNING", "Running"
    SUCCEEDED = "SUCCEEDED", "Succeeded"
    FAILED = "FAILED", "Failed"
    TIMING_OUT = "TIMING-OUT", "Timing out"
    TIMED_OUT = "TIMED-OUT", "Timed out"
    ABORTING = "ABORTING", "Aborting"
    ABORTED = "ABORTED", "Aborted"


FINISHED = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.TIMED_OUT, JobStatus.ABORTED})
# A worker has them; they are its to finish, or another worker's once its lease has run out.
AT_WORK = frozenset({JobStatus.RUNNING, JobStatus.TIMING_OUT, JobStatus.ABORTING})


class Origin(models.TextChoices):
    """Where a job was asked for."""

    WEB = "WEB", "Console"
    API = "API", "API"
    SCHEDULER = "SCHEDULER", "Schedule"
    WEBHOOK = "WEBHOOK", "Webhook"
    ACTOR = "ACTOR", "Another Actor"
    CLI = "CLI", "Command line"
    CI = "CI", "Continuous integration"
    MCP = "MCP", "MCP server"
    APIFY_AI = "APIFY_AI", "AI agent"
    DEVELOPMENT = "DEVELOPMENT", "Development"
    TEST = "TEST", "Test"


class Job(models.Model):
    """The columns of builds and runs that a worker moves.

    A worker holds a job by a lease: the name of its attempt and until when, in the database, renewed while it works.
    Any worker that finds a job at work with an expired lease may take it up or finish it
    (`resources/worker/leases.py`). `started_at` is when the job was asked for, until a worker has begun.
    """

    status = models.CharField(max_length=10, choices=JobStatus.choices, default=JobStatus.READY)
    status_message = models.TextField(blank=True, default="")
    exit_code = models.IntegerField(null=True, blank=True)
    timeout_secs = models.PositiveIntegerField(default=0, help_text="0: no limit.")
    memory_mbytes = models.PositiveIntegerField(default=0)
    origin = models.CharField(max_length=20, choices=Origin.choices, default=Origin.API)
    client_ip = models.CharField(max_length=45, blank=True, default="")
    user_agent = models.CharField(max_length=500, blank=True, default="")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=100, blank=True, default="")
    lease_expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def is_finished(self) -> bool:
        """Whether nothing more is going to happen by itself."""
        return self.status in FINISHED
