"""Staying with the programs of a job until they have ended, for whatever reason.

Once a second the job's row is read: requests to abort or restart the run stand there. The lease is renewed in
the same breath, and what was measured is saved. A database that does not answer for a while ends nothing; when the
lease has run out in the meantime, the job may be another worker's, and what runs here is killed. So is a job that may
run without isolation on loopback only, as soon as others can reach the deployment.
"""

import math
import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from accounts.lib import database_clock
from resources.jobs.status import AT_WORK, JobStatus
from resources.models import Run
from resources.sandbox.bubblewrap import Isolation
from resources.worker import leases
from resources.worker.leaving import STEP_SECONDS as LEAVING_STEP_SECONDS
from resources.worker.leaving import Leaving, Outcome
from resources.worker.log_writer import Lines
from resources.worker.run_events import RunEvents
from resources.worker.running_program import Measured, Program, RunningProgram
from resources.worker.worker_identity import stopping

POLL_SECONDS = 1.0
# How often a job that may run on loopback only asks who reaches the deployment.
EXPOSURE_SECONDS = 5.0
STEP_SECONDS = 0.2
_COLUMNS = ("status", "worker")
_COLUMNS_OF_RUNS = ("graceful_until", "restart_requested")


class ProgramSupervisor:
    """Runs the programs of one job, one after the other, within the job's time."""

    def __init__(self, job: leases.AnyJob, worker: str, isolation: Isolation, lines: Lines) -> None:
        self.lines = lines
        self.isolation = isolation
        self.exit_code: int | None = None
        self.too_much = ""
        self.why_exposed = ""
        self.failed_connections = 0
        self._job = job
        self._model = type(job)
        self._worker = worker
        self._deadline = _get_deadline(job)
        self._saved_at = self._heard_at = time.monotonic()
        self._exposure_asked_at: float | None = None
        self._before = Measured()
        if isinstance(job, Run):
            self._before = Measured(
                job.memory_max_bytes,
                job.memory_average_bytes,
                job.cpu_millis,
                cpu_max_percent=job.cpu_max_percent or 0,
                received_bytes=job.received_bytes,
                sent_bytes=job.sent_bytes,
            )

    def run(self, program: Program, events: RunEvents | None = None) -> Outcome:
        """Run a program to its end, with what it is told of meanwhile, and return how that came about."""
        running = RunningProgram(program, self.isolation, self.lines)
        try:
            outcome = self._attend(running, events)
        finally:
            running.close()
            self.lines.end()
        self.exit_code, self.too_much = running.exit_code, running.too_much
        self.failed_connections = running.failed_connections
        if outcome is not Outcome.LOST:
            self._save(running.measured)
        return outcome

    def _attend(self, running: RunningProgram, events: RunEvents | None) -> Outcome:
        polled_at, reason = time.monotonic(), None
        leaving: Leaving | None = None
        while not running.attend(STEP_SECONDS if leaving is None else min(STEP_SECONDS, LEAVING_STEP_SECONDS)):
            if events is not None:
                events.tell_what_is_due(running.measured)
            if time.monotonic() - polled_at >= POLL_SECONDS:
                polled_at = time.monotonic()
                reason = Outcome.EXPOSED if self._is_exposed() else self._reason_to_leave()
                self._save_if_due(running.measured)
            if reason in (Outcome.LOST, Outcome.EXPOSED):
                return reason
            if reason is not None:
                leaving = leaving or Leaving(running, reason, self._kill_at(reason), events)
                if leaving.is_over(self._kill_at(reason)):
                    return reason
        if running.too_much:
            return Outcome.TOO_MUCH
        asked_to_end = leaving.outcome if leaving is not None and leaving.is_asked else None
        return self._reason_to_leave(ended=True) or asked_to_end or Outcome.EXITED

    def _kill_at(self, reason: Outcome) -> float:
        """Return when a program is killed in any case, by what the row says: infinity where it does not say."""
        if reason in (Outcome.STOPPED, Outcome.RESTART):
            return math.inf
        grace = 0.0
        if isinstance(self._job, Run) and self._job.graceful_until:
            grace = (self._job.graceful_until - database_clock.now()).total_seconds()
        return time.monotonic() + min(grace, settings.WORKER_GRACE_SECS)

    def _reason_to_leave(self, *, ended: bool = False) -> Outcome | None:
        """Read the row, and return why the program has to end, None where it may go on."""
        try:
            row = self._row()
            self._heard_at = time.monotonic()
        except DatabaseError:
            close_old_connections()
            lost = time.monotonic() - self._heard_at > settings.WORKER_LEASE_SECS
            return Outcome.LOST if lost else None
        if row is None or row["worker"] != self._worker or row["status"] not in AT_WORK:
            return Outcome.LOST
        if isinstance(self._job, Run):
            self._job.graceful_until = row["graceful_until"]
        if row["status"] == JobStatus.ABORTING:
            return Outcome.ABORTED
        if row["status"] == JobStatus.TIMING_OUT:
            return Outcome.TIMED_OUT
        if row.get("restart_requested"):
            return Outcome.RESTART
        if ended:
            return None
        if self._deadline and database_clock.now() >= self._deadline:
            return self._time_out()
        return Outcome.STOPPED if stopping.is_set() else None

    def _is_exposed(self) -> bool:
        """Tell whether the job has to end because others can reach the deployment by now."""
        asked_at, now = self._exposure_asked_at, time.monotonic()
        if not self.isolation.why_not or (asked_at is not None and now - asked_at < EXPOSURE_SECONDS):
            return False
        self._exposure_asked_at = now
        try:
            self.why_exposed = self.isolation.why_to_end("run" if self._model is Run else "build")
        except DatabaseError:
            close_old_connections()
        return bool(self.why_exposed)

    def _row(self) -> dict[str, Any] | None:
        columns = (*_COLUMNS, *(_COLUMNS_OF_RUNS if self._model is Run else ()))
        row: dict[str, Any] | None = self._model.objects.filter(pk=self._job.pk).values(*columns).first()
        return row

    def _time_out(self) -> Outcome:
        """Say that the job is timing out, unless it was aborted just now."""
        until = database_clock.now() + timedelta(seconds=settings.WORKER_GRACE_SECS)
        changes: dict[str, Any] = {"graceful_until": until} if isinstance(self._job, Run) else {}
        running = self._model.objects.filter(pk=self._job.pk, worker=self._worker, status=JobStatus.RUNNING)
        running.update(status=JobStatus.TIMING_OUT, **changes)
        if isinstance(self._job, Run):
            self._job.graceful_until = until
        return Outcome.TIMED_OUT

    def _save_if_due(self, measured: Measured) -> None:
        if time.monotonic() - self._saved_at >= settings.WORKER_LEASE_SECS / 6:
            self._save(measured)

    def _save(self, measured: Measured) -> None:
        """Renew the lease, and save what the programs of a run have taken so far, this one and those before."""
        changes: dict[str, Any] = {}
        if self._model is Run:
            changes["memory_max_bytes"] = max(self._before.memory_max_bytes, measured.memory_max_bytes)
            changes["memory_average_bytes"] = round(measured.memory_average_bytes)
            changes["cpu_millis"] = self._before.cpu_millis + measured.cpu_millis
            changes["memory_current_bytes"] = measured.memory_current_bytes
            changes["cpu_max_percent"] = max(self._before.cpu_max_percent, measured.cpu_max_percent)
            changes["cpu_current_percent"] = measured.cpu_current_percent
            if measured.received_bytes is not None and measured.sent_bytes is not None:
                changes["received_bytes"] = (self._before.received_bytes or 0) + measured.received_bytes
                changes["sent_bytes"] = (self._before.sent_bytes or 0) + measured.sent_bytes
        try:
            leases.renew(self._model, self._job.pk, self._worker, **changes)
            self._saved_at = time.monotonic()
        except DatabaseError:
            close_old_connections()


def _get_deadline(job: leases.AnyJob) -> datetime | None:
    if not job.timeout_secs or job.started_at is None:
        return None
    return job.started_at + timedelta(seconds=job.timeout_secs)
