"""Refuse passwords that are easily guessed, given the names of their user."""

import re
import threading
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from zxcvbn import zxcvbn

# Of the library's scores from 0 to 4, those that withstand an attack on stored hashes: 10^8 guesses and more.
_LEAST_SCORE = 3
# It takes no longer text. What comes after these characters only makes a password harder to guess.
_MOST_CHARACTERS = 72
# It keeps the names of the user in a table of the module for as long as it works.
_lock = threading.Lock()


class GuessablePasswordValidator:
    """A validator for AUTH_PASSWORD_VALIDATORS, by zxcvbn."""

    def validate(self, password: str, user: Any = None) -> None:
        """Accept a password that is hard to guess.

        Raises:
            ValidationError: when it is not; the message gives the library's reason, if it has one.
        """
        with _lock:
            found = zxcvbn(password[:_MOST_CHARACTERS], _names(user))
        if found["score"] < _LEAST_SCORE:
            reason = str(found["feedback"]["warning"]).rstrip(".")
            text = _("This password is easily guessed. Put a few more words together.")
            raise ValidationError(f"{text} {reason}." if reason else text, code="password_guessable")

    def get_help_text(self) -> str:
        """Return what forms say about it."""
        return _("Your password cannot be easily guessed, given your username and email.")


def _names(user: Any) -> list[str]:
    """Return the words that an attacker who knows the user tries first."""
    username, email = getattr(user, "username", "") or "", getattr(user, "email", "") or ""
    return ["latchkey", username, email, *re.split(r"[^\w]+", f"{username} {email}")]
