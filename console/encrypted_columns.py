"""Every column of the database in which something is encrypted with the server's secret.

`manage.py check_data` reads them all and `manage.py rotate_secret` encrypts them anew, so a new encrypted column needs
a line here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from allauth.mfa.models import Authenticator
from django.db.models import F, Model, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast

from accounts.lib.encryption import CannotDecrypt, decrypt, encrypt
from resources.models import ActorVersion, BuildContent, EnvironmentVariable, InputKeyPair, Webhook

Change = Callable[[str], str]
_WITHOUT_URL = Q(source__contains='"sourceUrl":""') | Q(source__contains='"sourceUrl": ""') | Q(source="{}")
_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)


def _whole(value: Any, change: Change) -> Any:
    """Change a value that is encrypted as a whole."""
    return change(value)


def _in_factor(value: Any, change: Change) -> Any:
    """Change what is encrypted in a second factor: the secret of an app, the seed of recovery codes, or the codes."""
    changed: dict[str, Any] = {name: change(value[name]) for name in ("secret", "seed") if name in value}
    if value.get("migrated_codes") is not None:
        changed["migrated_codes"] = [change(code) for code in value["migrated_codes"]]
    return {**value, **changed}


def _in_source(value: Any, change: Change) -> Any:
    """Change the URL in what a build keeps of its version."""
    kept = msgspec.json.decode(value)
    if not kept.get("sourceUrl"):
        return value
    kept["sourceUrl"] = change(kept["sourceUrl"])
    return msgspec.json.encode(kept).decode()


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """A column with encrypted text, in the rows that `where` names.

    `changed` returns a value of the column with `change` done to each encrypted text in it.
    """

    about: str
    model: type[Model]
    name: str
    where: Q
    changed: Callable[[Any, Change], Any] = _whole

    is_text: bool = True

    def rows(self) -> Iterator[tuple[Any, Any]]:
        """Yield the primary key and the value of each row, as it is stored."""
        rows = self.model._default_manager.order_by("pk")
        if self.is_text:  # past the field, which may decrypt it
            rows = rows.annotate(stored=Cast(F(self.name), TextField()))
        rows = rows.filter(self.where)
        return iter(rows.values_list("pk", "stored" if self.is_text else self.name).iterator(chunk_size=500))

    def unreadable(self) -> Iterator[Any]:
        """Yield the primary key of each row that cannot be read with the secret and its fallbacks."""
        for id_, value in self.rows():
            try:
                self.changed(value, decrypt)
            except (CannotDecrypt, ValueError, LookupError, TypeError):
                yield id_

    def encrypt_anew(self) -> int:
        """Encrypt every row with the secret of now; return how many there were. What cannot be read stays as it is.

        A row that is changed at the same time keeps that change, which is encrypted with the secret of now already.
        """
        count = 0
        for id_, value in list(self.rows()):
            try:
                anew = self.changed(value, lambda text: encrypt(decrypt(text)))
            except (CannotDecrypt, ValueError, LookupError, TypeError):
                continue
            count += self._replace(id_, value, anew)
        return count

    def _replace(self, id_: Any, before: Any, after: Any) -> int:
        rows: QuerySet[Any] = self.model._default_manager.filter(pk=id_)
        if not self.is_text:
            return rows.filter(**{self.name: before}).update(**{self.name: after})
        same = rows.annotate(stored=Cast(F(self.name), TextField())).filter(stored=before)
        return int(same.update(**{self.name: Value(after, output_field=TextField())}))


COLUMNS = (
    EncryptedColumn("Secret variable", EnvironmentVariable, "value", Q(is_secret=True)),
    EncryptedColumn("Environment of the build", BuildContent, "environment", ~Q(environment="")),
    EncryptedColumn("Source of the build", BuildContent, "source", ~_WITHOUT_URL, _in_source),
    EncryptedColumn("Source URL of the version", ActorVersion, "source_url", ~Q(stored="")),
    EncryptedColumn("Header template of the webhook", Webhook, "headers_template", ~Q(stored="")),
    EncryptedColumn("Second factor", Authenticator, "data", Q(type__in=_FACTORS), _in_factor, is_text=False),
    EncryptedColumn("Key pair of secret inputs", InputKeyPair, "private_key", Q()),
)
