"""The settings of a worker whose clock a test moves: it fires schedules at the time that the file CLOCK says."""

import os
from datetime import datetime
from pathlib import Path

from console.settings import *  # noqa: F403

WORKER_CHORES = {"tests.support.clock_settings.fire": 0.0}


def fire() -> int:
    """Fire what is due at that time."""
    from sharing.schedules.firing import fire_due

    return fire_due(datetime.fromisoformat(Path(os.environ["CLOCK"]).read_text()))
