"""Conditions of partial indexes over the status of jobs, as databases recognize them."""

from collections.abc import Collection

from django.db.models import BooleanField, Model
from django.db.models.expressions import RawSQL


def has_status(model: type[Model], statuses: Collection[str]) -> RawSQL:
    """Return the condition of an index as it stands there: no database proves it from values that are bound."""
    column = f'"{model._meta.db_table}"."status"'
    quoted = ", ".join(f"'{status!s}'" for status in sorted(statuses))
    condition = f"{column} IN ({quoted})" if len(statuses) > 1 else f"{column} = {quoted}"
    return RawSQL(condition, (), output_field=BooleanField())  # noqa: S611  # constants of ours
