"""Sessions in the database under a digest of their key: who reads the table cannot take over a session.

The cookie has the key. `SESSION_ENGINE` names this module; the rows of django-allauth have the digest too.
"""

import hashlib
from typing import Any

from django.apps import apps
from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

_LENGTH = 40  # hex digits, of a digest of 160 bits; what both tables have room for


class StoredKey(str):
    """The key of a session as the database has it: a digest. A plain string is a key as the cookie has it."""

    __slots__ = ()


def stored_key(key: str) -> StoredKey:
    """Return what the database has for a key; a stored key stays as it is."""
    return key if isinstance(key, StoredKey) else StoredKey(hashlib.sha256(key.encode()).hexdigest()[:_LENGTH])


class SessionStore(db.SessionStore):
    """Django's sessions in the database. Where a key is given, it may be a stored one."""

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        key = self.session_key or ""
        found = self.model.objects.filter(session_key=stored_key(key), expire_date__gt=timezone.now()).first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        """Tell whether there is a session with this key."""
        return self.model.objects.filter(session_key=stored_key(session_key)).exists()

    def cycle_key(self) -> None:
        """Give the session another key, under which its row of django-allauth goes on.

        Django does so at the first use of a session after the server's secret was turned. A session that was found by
        a stored key keeps it: only another session is being used, and the browser that has the key would be signed out.
        """
        before = self.session_key
        if isinstance(before, StoredKey):
            return
        super().cycle_key()
        if before:
            of_users = apps.get_model("usersessions", "UserSession").objects
            of_users.filter(session_key=before).update(session_key=self.session_key)

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        """Return the row of the session as it is now."""
        row = super().create_model_instance(data)
        row.session_key = str(stored_key(row.session_key))
        return row

    def delete(self, session_key: str | None = None) -> None:
        """Delete the session with this key, or this session."""
        key = self.session_key if session_key is None else session_key
        if key is not None:
            self.model.objects.filter(session_key=stored_key(key)).delete()


def keep_digests_in(field: Any) -> None:
    """Let a column of another app hold stored keys: a key that is looked up or saved there becomes one."""
    field.get_prep_value = lambda value: None if value is None else str(stored_key(value))
    field.from_db_value = lambda value, *_: None if value is None else StoredKey(value)
