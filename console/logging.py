"""What reaches a log, and what never does.

Tokens and signatures may stand in an address (`?token=`, `signature=`), and so do the one-time keys of the e-mails
about passwords and addresses, and the mark by which a run is known. Every line is scrubbed when it is formatted,
traceback included, so it does not matter who wrote it.
"""

import logging
import re
from copy import copy
from typing import Any
from urllib.parse import unquote_plus

LINE = "{asctime} {levelname} {name}: {message}"
HIDDEN = "***"
_SECRET_PARAMETERS = frozenset({"key", "code", "sig"})
# `access_token`, `csrfmiddlewaretoken`, `X-Amz-Signature`, and each word alone
_SECRET_ENDINGS = ("token", "signature", "password", "secret", "credential")
_PARAMETER = re.compile(r"(?P<before>[?&;])(?P<name>[^=&;?\s\"']{1,200})=(?P<value>[^&;\s\"'#]*)")
_CREDENTIALS = re.compile(r"(?i)\b(bearer|basic)(\s+|%20|\+)[^\s\"',)]+")
_OUR_TOKEN = re.compile(r"latchkey_api_[0-9a-zA-Z]+")
_ONE_TIME_KEY = re.compile(
    r"(/(?:reset-password|verify-email|sign-up/invited)/(?:[a-z-]+/)?)(?!done\b|set-password\b)[^/\s?\"']{6,}"
)
# The address that a run calls by (`resources/runs/callback_url.py`), each character as it is or with a percent escape.
_MARK_OF_RUN = re.compile(
    r"(?i)((?:/|%2f)(?:f|%66)(?:r|%72)(?:o|%6f)(?:m|%6d)(?:/|%2f)[0-9a-z%]{17,51}?(?:\.|%2e))[0-9a-f%]{20,60}"
)


def scrub(text: str) -> str:
    """Return a line without the secrets in it."""
    text = _PARAMETER.sub(_hide_value, text)
    text = _CREDENTIALS.sub(rf"\1 {HIDDEN}", text)
    text = _OUR_TOKEN.sub(HIDDEN, text)
    text = _MARK_OF_RUN.sub(rf"\1{HIDDEN}", text)
    return _ONE_TIME_KEY.sub(rf"\1{HIDDEN}", text)


def _hide_value(match: re.Match[str]) -> str:
    # The name may be written with percent escapes; the server would read it all the same.
    name = unquote_plus(match["name"]).strip().lower()
    secret = name in _SECRET_PARAMETERS or name.endswith(_SECRET_ENDINGS)
    return f"{match['before']}{match['name']}={HIDDEN}" if secret else match[0]


def drop_client_error_traceback(record: logging.LogRecord) -> logging.LogRecord:
    """Return a record without its traceback where it is about a request that a client should not have made.

    Django reports what it refuses as suspicious (too many fields, a Host that is not ours) as an error of the
    server. The administrator may want to know of it, and has nothing to mend.
    """
    if not record.name.startswith("django.security."):
        return record
    quiet = copy(record)
    quiet.levelno, quiet.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
    quiet.msg, quiet.args = " ".join(record.getMessage().split()), ()
    quiet.exc_info = quiet.exc_text = quiet.stack_info = None
    return quiet


class ScrubbingFormatter(logging.Formatter):
    """Formats a record as usual, and scrubs what comes out, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line or lines of one record."""
        return scrub(super().format(drop_client_error_traceback(record)))


def configuration(*, level: str = "INFO") -> dict[str, Any]:
    """Return Django's logging: one line a record, to stderr, and only what the administrator should look at."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "console.logging.ScrubbingFormatter", "format": LINE, "style": "{"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            **{floor: {"level": level} for floor in ("accounts", "resources", "sharing", "console")},
            # What a client did wrong is in its answer and in the access log; only our own failures are errors.
            "django": {"handlers": [], "level": "WARNING", "propagate": True},
            "django.request": {"level": "ERROR"},
            "django.security": {"level": "ERROR"},
        },
    }
