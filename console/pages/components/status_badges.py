"""The states of builds and runs as badges: colour, icon and word."""

from dataclasses import dataclass

from resources.jobs.status import JobStatus


@dataclass(frozen=True, slots=True)
class StatusBadge:
    """A status as a badge: `tone` is its colour, `icon` a heroicon; `is_turning` while there is work going on."""

    label: str
    tone: str
    icon: str
    is_turning: bool = False


STATUS_WORDS: dict[str, StatusBadge] = {
    JobStatus.READY: StatusBadge("Ready", "neutral", "clock"),
    JobStatus.RUNNING: StatusBadge("Running", "accent", "arrow-path", is_turning=True),
    JobStatus.SUCCEEDED: StatusBadge("Succeeded", "good", "check-circle"),
    JobStatus.FAILED: StatusBadge("Failed", "bad", "x-circle"),
    JobStatus.TIMING_OUT: StatusBadge("Timing out", "warning", "clock"),
    JobStatus.TIMED_OUT: StatusBadge("Timed out", "bad", "clock"),
    JobStatus.ABORTING: StatusBadge("Aborting", "warning", "stop-circle"),
    JobStatus.ABORTED: StatusBadge("Aborted", "warning", "no-symbol"),
}
