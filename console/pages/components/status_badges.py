"""The states of builds and runs as badges: colour, icon and word."""

from dataclasses import dataclass

from resources.jobs.status import JobStatus


@dataclass(frozen=True, slots=True)
class StatusWords:
    """A status as a badge: `tone` is its colour, `icon` a heroicon; `is_turning` while there is work going on."""

    label: str
    tone: str
    icon: str
    is_turning: bool = False


STATUS_WORDS: dict[str, StatusWords] = {
    JobStatus.READY: StatusWords("Ready", "neutral", "clock"),
    JobStatus.RUNNING: StatusWords("Running", "accent", "arrow-path", is_turning=True),
    JobStatus.SUCCEEDED: StatusWords("Succeeded", "good", "check-circle"),
    JobStatus.FAILED: StatusWords("Failed", "bad", "x-circle"),
    JobStatus.TIMING_OUT: StatusWords("Timing out", "warning", "clock"),
    JobStatus.TIMED_OUT: StatusWords("Timed out", "bad", "clock"),
    JobStatus.ABORTING: StatusWords("Aborting", "warning", "stop-circle"),
    JobStatus.ABORTED: StatusWords("Aborted", "warning", "no-symbol"),
}
