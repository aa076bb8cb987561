"""A column of text that is encrypted in the database and plain in Python."""

import logging
from typing import Any

from django.db import models

from accounts.lib.encryption import CannotDecrypt, decrypt, encrypt

_logger = logging.getLogger(__name__)


class UnreadableText(str):
    """Stands for text that was encrypted with a secret that the server does not know any more: empty.

    `stored` is what the database holds; it is kept when the row is saved.
    """

    stored: str

    def __new__(cls, stored: str) -> "UnreadableText":
        """Make it from what the database holds."""
        made = super().__new__(cls, "")
        made.stored = stored
        return made


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # its own parameters are Django's business
    """Text that is encrypted with the server's secret, but for empty text. It cannot be searched for."""

    def get_prep_value(self, value: Any) -> Any:
        """Return what the database holds for a value."""
        if isinstance(value, UnreadableText):
            return value.stored
        text = super().get_prep_value(value)
        return encrypt(text) if text else text

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        """Return the text, or an empty `UnreadableText` where it cannot be decrypted."""
        if not value:
            return value
        try:
            return decrypt(value)
        except CannotDecrypt:
            _logger.error("A value of %s was encrypted with another SECRET_KEY.", self)  # no traceback
            return UnreadableText(value)
