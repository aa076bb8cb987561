"""The choices of until when access is given."""

from datetime import UTC, datetime

from console.pages.sharing.end_choices import end_options


def test_the_end_that_there_is_comes_first_and_is_written_as_elsewhere():
    first = end_options(datetime(2026, 12, 5, 12, tzinfo=UTC))[0]
    assert (first.value, first.label, first.selected) == ("", "Keep: until 5 Dec 2026, 12:00 UTC", True)
    assert end_options()[0].label == "Without an end"
