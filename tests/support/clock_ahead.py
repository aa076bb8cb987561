"""The settings of a process whose machine's clock is SECONDS_AHEAD of the true time, for the project's own code."""

import os
import time
from datetime import timedelta

from django.utils import timezone

from console.settings import *  # noqa: F403

_AHEAD = float(os.environ["SECONDS_AHEAD"])
_time, _now = time.time, timezone.now
time.time = lambda: _time() + _AHEAD
timezone.now = lambda: _now() + timedelta(seconds=_AHEAD)
