"""What tests need of the machine: where it is missing they are skipped, and they fail in CI, which installs it."""

import os
import shutil
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip a test for a `reason`, or fail it where CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must not skip this: {reason}", pytrace=False)
    pytest.skip(reason)


def needs_programs(*names: str) -> pytest.MarkDecorator:
    """Return the mark of a test that needs each of these programs."""
    lacking = [name for name in names if shutil.which(name) is None]
    return needs(not lacking, f"not installed here: {', '.join(lacking)}")


def needs(condition: bool, reason: str) -> pytest.MarkDecorator:
    """Return the mark of a test that needs a `condition` of the machine; `reason` says what is missing without it."""
    return pytest.mark.needs(condition, reason)


def check_programs(*names: str) -> None:
    """Go on only where each of these programs is there; for a test that knows only as it runs what it needs."""
    check_mark(needs_programs(*names).mark)


def check_mark(mark: pytest.Mark) -> None:
    """Go on only where the condition of a mark of `needs` holds."""
    condition, reason = mark.args
    if not condition:
        missing(reason)
