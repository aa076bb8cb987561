"""The address that a run calls the API by, which says which run is calling, be it with a token or without one.

It gives no access to anything: a call through it is judged like any other. It only lets the run's log say what the
run was refused, and why (`console/http/refusal_log.py`). The mark keeps others from writing into the log, and so it is
hidden there like a secret.
"""

import re

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

_SALT = "resources.calls"
_MARK_LENGTH = 20
_PREFIX = re.compile(r"/from/(?P<run>[0-9a-zA-Z]{17})\.(?P<mark>[0-9a-f]{20})(?=/)")


def callback_base_url(run_id: str) -> str:
    """Return the base URL that a run is given for the API: the public one, with the run in its path."""
    return f"{settings.PUBLIC_URL}/from/{run_id}.{make_signature(run_id)}"


def parse_caller(path: str) -> tuple[str, str]:
    """Return the run that calls by `path`, and the path without that; "" and the same path for everybody else."""
    found = _PREFIX.match(path)
    if found is None or not constant_time_compare(found["mark"], make_signature(found["run"])):
        return "", path
    return found["run"], path[found.end() :]


def make_signature(run_id: str) -> str:
    """Return the secret part of a run's address."""
    return salted_hmac(_SALT, run_id, algorithm="sha256").hexdigest()[:_MARK_LENGTH]
