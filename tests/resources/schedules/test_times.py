"""When schedules fire: expressions, time zones, and the changes of their clocks."""

import re
from datetime import UTC, datetime
from itertools import islice, pairwise

import pytest

from resources.schedules import times
from resources.schedules.times import InvalidTimes


def in_utc(expression: str, zone: str, after: str, count: int) -> list[str]:
    moments = times.times_after(expression, zone, datetime.fromisoformat(after).replace(tzinfo=UTC))
    return [f"{moment:%m-%d %H:%M}" for moment in islice(moments, count)]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * *",  # with seconds
        "60 * * * *",
        "* 24 * * *",
        "0 0 30 2 *",
        "nonsense",
        "@reboot",
        "@every 5m",
        "* * * * * # x",
        "*/0 * * * *",
        "\x00 * * * *",
        "* * * * *" + " " * 200,
        "\u0661 * * * *",
    ],
)
def test_what_is_no_expression(expression):
    with pytest.raises(InvalidTimes) as refused:
        times.check(expression, "UTC")
    assert refused.value.field == "cronExpression"


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("60 * * * *", "minute must be 0 to 59."),
        ("* 24 * * *", "hour must be 0 to 23."),
        ("* * 32 * *", "day-of-month must be 1 to 31 or L."),
        ("* * * 13 *", "month must be 1 to 12 or JAN to DEC."),
        ("* * * * 8", "day-of-week must be 0 to 7 or SUN to SAT."),
    ],
)
def test_the_field_that_is_wrong_is_named_with_what_it_may_be(expression, said):
    with pytest.raises(InvalidTimes, match=re.escape(said)):
        times.check(expression, "UTC")


@pytest.mark.parametrize(
    "zone", ["", "localtime", "Mars/Base", "../UTC", "/etc/passwd", "europe/prague", "\x00", "Európe/Prague"]
)
def test_what_is_no_time_zone(zone):
    with pytest.raises(InvalidTimes) as refused:
        times.check("* * * * *", zone)
    assert refused.value.field == "timezone"


@pytest.mark.parametrize("expression", [*times.SHORTHANDS, "@DAILY", "*/5 9-17 * JAN-MAR mon-fri", "0 12 L * *"])
def test_expressions(expression):
    times.check(expression, "UTC")


def test_every_minute_is_every_minute_through_a_change_of_the_clock():
    # In Prague it is 02:00 twice on 25 October 2026, and never on 29 March.
    for after in ("2026-10-24T23:58", "2026-03-28T23:58"):
        found = list(
            islice(times.times_after("* * * * *", "Europe/Prague", datetime.fromisoformat(after + "+00:00")), 200)
        )
        assert {(b - a).total_seconds() for a, b in pairwise(found)} == {60}


def test_a_time_of_day_stays_that_when_the_clock_changes():
    assert in_utc("0 9 * * *", "Europe/Prague", "2026-03-27T12:00", 3) == ["03-28 08:00", "03-29 07:00", "03-30 07:00"]
    assert in_utc("0 9 * * *", "Europe/Prague", "2026-10-23T12:00", 3) == ["10-24 07:00", "10-25 08:00", "10-26 08:00"]
    assert in_utc("0 9 * * *", "America/New_York", "2026-03-06T20:00", 3) == [
        "03-07 14:00",
        "03-08 13:00",
        "03-09 13:00",
    ]


def test_a_time_that_the_clock_jumps_over_comes_right_after_the_jump():
    assert in_utc("30 2 * * *", "Europe/Prague", "2026-03-28T12:00", 2) == ["03-29 01:00", "03-30 00:30"]


def test_a_time_that_the_clock_shows_twice_comes_once():
    assert in_utc("30 2 * * *", "Europe/Prague", "2026-10-24T12:00", 2) == ["10-25 00:30", "10-26 01:30"]


def test_every_hour_is_every_hour():
    assert in_utc("0 * * * *", "Europe/Prague", "2026-10-24T22:30", 4) == [
        "10-24 23:00",
        "10-25 00:00",
        "10-25 01:00",
        "10-25 02:00",
    ]


def test_shorthands_are_of_the_time_zone():
    assert in_utc("@daily", "Asia/Kolkata", "2026-01-01T00:00", 1) == ["01-01 18:30"]
