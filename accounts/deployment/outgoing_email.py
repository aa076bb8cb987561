"""Tell whether emails leave this server, and print or drop them where no SMTP server is set up.

On loopback they are printed to the log: the links in them are for the user at this machine. Where others can reach the
server, a log is read by others than the recipient, so that their texts are not in it, and nothing is sent.
"""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.console import EmailBackend
from django.db import Error

from accounts.deployment import exposure

logger = logging.getLogger(__name__)

BACKEND_WITHOUT_SMTP = "accounts.deployment.outgoing_email.LogBackend"


def can_send() -> bool:
    """Tell whether emails reach their recipients: by SMTP, or on loopback by the log."""
    return settings.EMAIL_BACKEND != BACKEND_WITHOUT_SMTP or not exposure.exposure_reasons()


class LogBackend(EmailBackend):
    """Prints emails on loopback; elsewhere it logs only that an email was not sent, and to whom."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Print the messages, or log that they were not sent; return how many were printed."""
        if not _may_print():
            for message in email_messages:
                to = ", ".join(message.recipients())
                logger.warning("An email to %s was not sent, because no mail server is set up (EMAIL_HOST).", to)
            return 0
        return super().send_messages(email_messages) or 0


def _may_print() -> bool:
    try:
        return can_send()
    except Error:  # without the database it is not known who can come
        return False
