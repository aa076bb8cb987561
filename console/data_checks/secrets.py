"""What is encrypted or signed with the server's secret: it can be read with the secret, or with a fallback."""

from collections.abc import Iterator

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core import signing
from django.core.signing import JSONSerializer
from django.utils import timezone

from console.encrypted_columns import COLUMNS


def problems() -> Iterator[str]:
    """Yield the rows with something encrypted that cannot be read."""
    for column in COLUMNS:
        for id_ in column.unreadable():
            yield f"{column.about} {id_}: it cannot be read with this SECRET_KEY and its fallbacks."


def problems_of_sessions() -> Iterator[str]:
    """Yield how many of the living sessions have a signature that does not hold."""
    living = Session.objects.filter(expire_date__gt=timezone.now()).iterator(chunk_size=500)
    unreadable = sum(not _holds(session) for session in living)
    if unreadable:
        yield f"{unreadable:,} sessions cannot be read with this SECRET_KEY and its fallbacks; they have ended."


def _holds(session: Session) -> bool:
    try:
        signing.loads(session.session_data, salt=SessionStore().key_salt, serializer=JSONSerializer)
    except signing.BadSignature:
        return False
    return True
