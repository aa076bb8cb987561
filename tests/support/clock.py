"""A clock that stands still at a moment."""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any
from unittest.mock import patch


def standing_at(moment: datetime) -> AbstractContextManager[Any]:
    """Return a context in which it is `moment` for this process."""
    return patch("django.utils.timezone.now", return_value=moment)
