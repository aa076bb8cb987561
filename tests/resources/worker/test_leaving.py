"""How a program is brought to its end, step by step."""

import math

import pytest

from resources.worker.leaving import Leaving, Outcome

ENDS = [Outcome.ABORTED, Outcome.TIMED_OUT, Outcome.STOPPED]


class Stage:
    """A program, what it is told and asked, and the time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, settings) -> None:
        self.now = 1000.0
        self.done: list[str] = []
        self.is_heard = True
        self.saves = False
        settings.WORKER_EVENT_GRACE_SECS = 5
        monkeypatch.setattr("resources.worker.leaving.time.monotonic", lambda: self.now)

    def leave(self, outcome: Outcome, kill_in: float = math.inf) -> Leaving:
        self.kill_at = self.now + kill_in
        return Leaving(self, outcome, self.kill_at, self)  # type: ignore[arg-type]

    def steps(self, leaving: Leaving, seconds: float = 60) -> list[tuple[float, str]]:
        """Return what was done and when, until the program is killed or so much time is over."""
        begun, steps = self.now, [(0.0, each) for each in self.done]
        while self.now <= begun + seconds:
            self.done.clear()
            is_over = leaving.is_over(self.kill_at)
            at = round(self.now - begun, 2)
            steps += [(at, each) for each in self.done]
            if is_over:
                return [*steps, (at, "kill")]
            self.now += 0.25
        return steps

    def terminate(self) -> None:
        self.done.append("SIGTERM")

    def tell_migrating(self, seconds: float) -> None:
        self.done.append(f"migrating {seconds}")

    def tell_aborting(self) -> None:
        self.done.append("aborting")

    def tell_to_save(self, *, is_migrating: bool) -> None:
        self.done.append("save, migrating" if is_migrating else "save")

    def has_saved(self) -> bool:
        return self.saves


@pytest.fixture
def stage(monkeypatch, settings) -> Stage:
    return Stage(monkeypatch, settings)


@pytest.mark.parametrize("outcome", ENDS)
def test_one_that_does_not_listen_is_asked_at_once(stage, outcome):
    stage.is_heard = False
    steps = stage.steps(stage.leave(outcome, math.inf if outcome is Outcome.STOPPED else 30))
    assert steps == [(0.0, "SIGTERM"), (5 if outcome is Outcome.STOPPED else 30, "kill")]


def test_one_that_is_aborted_at_once_is_told_nothing(stage):
    assert stage.steps(stage.leave(Outcome.ABORTED, 0)) == [(0.0, "kill")]


def test_one_that_is_aborted_gracefully_is_told_and_asked_and_killed(stage):
    expected = [(0.0, "aborting"), (5, "save"), (6, "SIGTERM"), (30, "kill")]
    assert stage.steps(stage.leave(Outcome.ABORTED, 30)) == expected


def test_one_that_has_saved_its_state_is_asked_there_and_then(stage):
    stage.saves = True
    expected = [(0.0, "migrating 5"), (5, "save, migrating"), (5.25, "SIGTERM"), (10.25, "kill")]
    assert stage.steps(stage.leave(Outcome.STOPPED)) == expected


def test_one_that_saves_nothing_is_waited_for_for_a_second(stage):
    expected = [(0.0, "migrating 5"), (5, "save, migrating"), (6, "SIGTERM"), (11, "kill")]
    assert stage.steps(stage.leave(Outcome.STOPPED)) == expected


def test_one_that_is_out_of_time_is_told_to_save(stage):
    expected = [(0.0, "save"), (5, "save"), (6, "SIGTERM"), (30, "kill")]
    assert stage.steps(stage.leave(Outcome.TIMED_OUT, 30)) == expected


def test_less_time_than_all_that_takes_is_kept_to(stage):
    assert stage.steps(stage.leave(Outcome.ABORTED, 3)) == [(0.0, "aborting"), (3, "kill")]


def test_one_that_is_restarted_saves_and_is_not_asked(stage):
    assert stage.steps(stage.leave(Outcome.RESTART)) == [(0.0, "save"), (1, "kill")]


def test_one_that_is_restarted_and_does_not_listen_is_killed(stage):
    stage.is_heard = False
    assert stage.steps(stage.leave(Outcome.RESTART)) == [(0.0, "kill")]


def test_what_is_wanted_sooner_meanwhile_is_done_sooner(stage):
    leaving = stage.leave(Outcome.STOPPED)
    stage.steps(leaving, seconds=2)
    stage.kill_at = stage.now
    assert stage.steps(leaving) == [(0.0, "kill")]


def test_one_that_stops_listening_meanwhile_is_not_waited_for(stage):
    leaving = stage.leave(Outcome.STOPPED)
    stage.is_heard = False
    assert stage.steps(leaving) == [(0.0, "migrating 5"), (5, "SIGTERM"), (10, "kill")]
