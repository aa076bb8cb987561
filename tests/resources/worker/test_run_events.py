"""What a run is told of what it takes, in the words of the SDK, and when."""

from typing import cast

import pytest
from apify.events._types import SystemInfoEventData

from resources.kinds import Kind
from resources.models import KeyValueStore
from resources.records import writing
from resources.worker import events, run_events
from resources.worker.run_events import RunEvents
from resources.worker.running_program import Measured

pytestmark = pytest.mark.django_db
MB = 1024**2


class Channel:
    """Stands in for a channel: it notes what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict]] = []
        self.is_connected = True

    def send(self, name: str, data: dict, *, is_last: bool = False) -> None:
        self.sent.append((name, data))


class Stage:
    """A run of 1024 MB, the time, and how busy the machine is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, run) -> None:
        self.now, self.ticks = 1000.0, [0, 0]
        monkeypatch.setattr("resources.worker.run_events.time.monotonic", lambda: self.now)
        monkeypatch.setattr(run_events, "_ticks", lambda: tuple(self.ticks))
        self.channel = Channel()
        self.events = RunEvents(run, cast("events.Channel", self.channel))
        self.measured = Measured()
        self.measured.add(0, 0, self.now)

    def go_on(self, seconds: float, *, cpu_millis: int = 0, memory: int = 0, busy: float = 0.0) -> None:
        self.now += seconds
        self.ticks[0] += 1000
        self.ticks[1] += int(1000 * busy)
        self.measured.add(memory, self.measured.cpu_millis + cpu_millis, self.now)
        self.events.tell_what_is_due(self.measured)

    def usage(self) -> dict:
        name, data = self.channel.sent[-1]
        assert name == "systemInfo"
        return data

    def names(self) -> list[str]:
        return [name for name, _ in self.channel.sent]


@pytest.fixture
def run(ada, make_resource):
    return make_resource(Kind.RUN, ada, memory_mbytes=1024)


@pytest.fixture
def stage(monkeypatch, run) -> Stage:
    return Stage(monkeypatch, run)


def test_it_is_told_what_it_takes_each_second(stage):
    for _ in range(4):
        stage.go_on(0.5)
    assert stage.names() == ["systemInfo", "systemInfo"]


def test_the_sdk_understands_it(stage):
    stage.go_on(1, cpu_millis=100, memory=50 * MB)
    stage.go_on(1, cpu_millis=50, memory=30 * MB)
    data = stage.usage()
    read = SystemInfoEventData.model_validate(data)
    assert (read.mem_current_bytes, read.mem_max_bytes, read.mem_avg_bytes) == (30 * MB, 50 * MB, 80 * MB / 3)
    assert (read.cpu_current_usage, read.cpu_max_usage, read.cpu_avg_usage) == (5, 10, 7.5)
    assert read.is_cpu_overloaded is False
    assert read.to_crawlee_format(0.25).cpu_info.used_ratio == 0.2


@pytest.mark.parametrize(
    ("cpu_millis", "busy", "overloaded", "usage"),
    [
        (900, 0.5, False, 22.5),  # more than its share, and the machine has more to give
        (900, 1.0, True, 90),
        (100, 1.0, False, 10),  # others take it all
        (0, 0.0, False, 0),
    ],
)
def test_more_than_its_share_is_too_much_only_where_the_machine_has_no_more(stage, cpu_millis, busy, overloaded, usage):
    stage.go_on(1, cpu_millis=cpu_millis, busy=busy)
    data = stage.usage()
    assert (data["isCpuOverloaded"], data["cpuCurrentUsage"]) == (overloaded, usage)


def test_it_is_told_to_save_its_state_each_minute_and_half_a_minute_apart_from_the_sdks(stage):
    at = []
    for second in range(1, 200):
        before = len(stage.channel.sent)
        stage.go_on(1)
        at += [second for name, data in stage.channel.sent[before:] if (name, data) == ("persistState", NOT_MIGRATING)]
    assert at == [30, 90, 150]


NOT_MIGRATING = {"isMigrating": False}


def test_once_it_has_to_end_it_is_told_to_save_by_what_ends_it_only(stage):
    stage.events.tell_migrating(5)
    for _ in range(200):
        stage.go_on(1)
    assert stage.channel.sent[0] == ("migrating", {"timeRemainingSecs": 5})
    assert "persistState" not in stage.names()


def test_it_is_told_once_to_save_and_not_again_at_once(stage):
    stage.events.tell_aborting()
    stage.events.tell_to_save(is_migrating=False)
    assert stage.names() == ["aborting", "persistState"]
    stage.now += 1
    stage.events.tell_to_save(is_migrating=False)
    assert stage.names() == ["aborting", "persistState", "persistState"]


def test_what_it_saves_after_that_is_noticed(stage, run, ada, make_resource):
    store = make_resource(Kind.KEY_VALUE_STORE, ada, run=run)
    other = make_resource(Kind.KEY_VALUE_STORE, ada)
    assert isinstance(store, KeyValueStore)
    writing.write(store.pk, "STATE", [b"1"], content_type="text/plain")
    stage.events.tell_to_save(is_migrating=True)
    assert not stage.events.has_saved()
    writing.write(other.pk, "STATE", [b"1"], content_type="text/plain")
    assert not stage.events.has_saved()
    writing.write(store.pk, "STATE", [b"2"], content_type="text/plain")
    assert stage.events.has_saved()


def test_how_busy_the_machine_is_can_be_read():
    ticks, busy = run_events._ticks()
    assert 0 < busy <= ticks
