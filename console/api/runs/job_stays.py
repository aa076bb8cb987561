"""What clients wait for: the end of a build or run, or what is added to its log.

All that one process has of them are looked after by one statement some times a second.
"""

from collections.abc import Callable, Iterator, Sequence

from django.http import HttpResponseBase, StreamingHttpResponse

from accounts.request_types import ApiRequest
from console.http.parking import Stay, Wait, Watch
from resources.jobs.status import FINISHED
from resources.kinds import Kind
from resources.logs.following import Printable, has_finished, let_go, portion
from resources.logs.utf8 import as_utf8
from resources.logs.watching import JobState, look_at
from resources.models import Build, Run
from sharing.enforcement.reauthorize import NoLongerAllowed, reauthorize_after_delay
from sharing.enforcement.refusals import not_found_error

Then = Callable[[bool], HttpResponseBase]


class _Jobs(Watch):
    """Looks after all that wait for jobs."""

    def __init__(self) -> None:
        self._portions: dict[tuple[str, int], bytes] = {}

    def look(self, stays: Sequence[Stay]) -> None:
        """Tell each stay how its job is."""
        self._portions.clear()
        waiting = [stay for stay in stays if isinstance(stay, JobWait | LogFollow)]
        states = look_at({stay.job_id for stay in waiting})
        for stay in waiting:
            stay.see(states.get(stay.job_id))

    def portion(self, job_id: str, start: int) -> bytes:
        """Return what a log has from a byte on, read once for all who have got so far."""
        key = (job_id, start)
        if key not in self._portions:
            self._portions[key] = portion(job_id, start)
        return self._portions[key]

    def rest(self) -> None:
        """Hold no connection, and no part of a log, until the next look."""
        self._portions.clear()
        let_go()


_JOBS = _Jobs()


class JobWait(Wait):
    """Waits until a build or run has finished; then `leave` is called, and `then` with whether it has finished."""

    watch = _JOBS

    def __init__(
        self, request: ApiRequest, job: Build | Run, seconds: float, then: Then, leave: Callable[[], None]
    ) -> None:
        super().__init__(request, seconds)
        self.job_id = job.pk
        self._job = job
        self._then = then
        self._leave = leave

    def see(self, state: JobState | None) -> None:
        """Take notice of how the job is; None: it was deleted."""
        self.is_over = state is None or state.has_finished

    def answer(self) -> HttpResponseBase:
        """Return the answer, for the job as it is now.

        Raises:
            NoLongerAllowed: when the request is no longer allowed.
            ApiError: 404 when the job was deleted meanwhile.
        """
        self._leave()
        if self.refused is not None:
            raise NoLongerAllowed(self.refused)
        reauthorize_after_delay(self.request)
        refresh(self._job)
        return self._then(self._job.status in FINISHED)


class LogFollow(Stay):
    """Follows a log: a thread sends what there is, and what is added is sent without one."""

    watch = _JOBS

    def __init__(self, request: ApiRequest, job_id: str, kind: Kind, *, is_raw: bool) -> None:
        super().__init__(request, float("inf"))
        self.job_id = job_id
        self._kind = kind
        self._at = 0
        self._ends = False
        self._printable = None if is_raw else Printable()

    def begin(self) -> Iterator[bytes]:
        """Yield what the log holds; its end, too, if the job has finished, and then there is nothing to follow."""
        ends = has_finished(self.job_id, self._kind)  # asked first: what was written before the end is there after it
        while data := portion(self.job_id, self._at):
            let_go()
            yield self._pass(data)
        let_go()
        if ends:
            self.is_over = True
            yield self._rest()

    def see(self, state: JobState | None) -> None:
        """Take notice of how the job is; None: it was deleted."""
        self._ends = state is None or state.has_finished
        self.has_news = self._ends or (state is not None and state.last_piece >= self._at)

    def take(self) -> bytes:
        """Return what was added, some of it where it is much."""
        if data := _JOBS.portion(self.job_id, self._at):
            return self._pass(data)
        self.has_news, self.is_over = False, self._ends
        return self._rest() if self._ends else b""

    def _pass(self, data: bytes) -> bytes:
        self._at += len(data)
        text = as_utf8(data)
        return text if self._printable is None else self._printable.add(text)

    def _rest(self) -> bytes:
        return b"" if self._printable is None else self._printable.end()


class FollowedLog(StreamingHttpResponse):
    """The log that there is; `stay` is how it goes on, unless it is over by then."""

    def __init__(self, stay: LogFollow, leave: Callable[[], None], headers: dict[str, str]) -> None:
        super().__init__(stay.begin(), headers=headers)
        self.stay = stay
        closers: list[Callable[[], None]] = self._resource_closers  # type: ignore[attr-defined]  # the stubs leave it out
        closers.append(leave)


def refresh(job: Build | Run) -> None:
    """Read a job anew.

    Raises:
        ApiError: 404 when it was deleted.
    """
    try:
        job.refresh_from_db()
    except (Build.DoesNotExist, Run.DoesNotExist):
        raise not_found_error(Kind(job.kind)) from None
