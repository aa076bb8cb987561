"""Every column of the database in which something is encrypted with the server's secret.

`manage.py check_data` reads them all and `manage.py rotate_secret` encrypts them anew, so a new encrypted column needs
a line here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q

from resources.models import BuildContent, EnvironmentVariable, InputKeyPair

Change = Callable[[str], str]


def _whole(value: Any, change: Change) -> Any:
    """Change a value that is encrypted as a whole."""
    return change(value)


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

    def rows(self) -> Iterator[tuple[Any, Any]]:
        """Yield the primary key and the value of each row."""
        found = self.model._default_manager.filter(self.where).order_by("pk").values_list("pk", self.name)
        return iter(found.iterator(chunk_size=500))


COLUMNS = (
    EncryptedColumn("Secret variable", EnvironmentVariable, "value", Q(is_secret=True)),
    EncryptedColumn("Environment of the build", BuildContent, "environment", ~Q(environment="")),
    EncryptedColumn("Key pair of secret inputs", InputKeyPair, "private_key", Q()),
)
