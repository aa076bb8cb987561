"""Change or delete a row that another request may be changing: lock, apply, save and audit in one transaction."""

import copy
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from resources.models import ActorVersion, Resource, Webhook

Row = TypeVar("Row", bound=Resource | ActorVersion | Webhook)
Change = TypeVar("Change")


class NameTaken(ValueError):
    """A name that another resource of the same owner and kind has; the message says so."""


class ResourceGone(LookupError):
    """The resource was deleted in the meantime."""


def edit_locked(
    model: type[Row],
    row: Row,
    change: Change | Callable[[Row], Change],
    *,
    apply: Callable[[Row, Change], None],
    fields: Sequence[str],
    record_change: Callable[[Row, Row], None],
    taken: Callable[[Row], ValueError] | None = None,
) -> None:
    """Change a row as it is once it is locked, all or nothing, and bring `row` up to date.

    `change` is what to change, or a function of the locked row where it depends on what is there. `apply` puts it into
    the locked row, and what either raises is passed on. `fields` are those that a change can touch, without
    `modified_at`, which always is. `record_change` gets the row as it was and as it is, and writes to the audit trail.

    Raises:
        ResourceGone: when the row was deleted in the meantime.
        ValueError: what `taken` returns for the row, when another one has the name or number that it is to have.
    """
    saved = (*fields, "modified_at")
    with transaction.atomic():
        locked = _lock(model, row)
        if locked is None:
            raise ResourceGone(row.pk)
        before = copy.copy(locked)
        apply(locked, change(locked) if callable(change) else change)
        locked.modified_at = timezone.now()
        try:
            with transaction.atomic():
                locked.save(update_fields=saved)
        except IntegrityError as error:
            if taken is None:
                raise
            raise taken(locked) from error
        record_change(before, locked)
    for field in saved:
        setattr(row, field, getattr(locked, field))


def delete_locked(model: type[Row], row: Row, *, record_deletion: Callable[[Row], None]) -> bool:
    """Delete a row, and return whether it was still there.

    `record_deletion` gets the locked row, before it is deleted: it writes to the audit trail, and deletes what does not
    go with the row by itself.
    """
    with transaction.atomic():
        locked = _lock(model, row)
        if locked is None:
            return False
        record_deletion(locked)
        locked.delete()
    return True


def name_taken(resource: Resource) -> NameTaken:
    """Return the error of a resource whose name another one of its owner and kind has."""
    return NameTaken(f'There is another {resource.info.noun} called "{resource.name}". Choose another name.')


def _lock(model: type[Row], row: Row) -> Row | None:
    rows: QuerySet[Row] = QuerySet(model)
    return rows.select_for_update().filter(pk=row.pk).first()
