"""A process of its own that fires what is due: `schedule_worker.py DATABASE NOW ROUNDS`. It prints how often."""

# ruff: noqa: E402  (Django must be set up before anything is imported that needs it)
import sys
from datetime import datetime, timedelta

import django
from django.conf import settings

DATABASE, NOW, ROUNDS = sys.argv[1:]
settings.DATABASES["default"]["NAME"] = DATABASE
django.setup()

from sharing.schedules.firing import fire_due

if __name__ == "__main__":
    now = datetime.fromisoformat(NOW)
    print(sum(fire_due(now + timedelta(minutes=minute)) for minute in range(int(ROUNDS))))
