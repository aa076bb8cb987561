"""Rows against rows: what names what, and what is repeated elsewhere so that lists are quick."""

from collections import Counter
from collections.abc import Iterator

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F, Q, Sum, Value
from django.db.models.functions import Coalesce

from resources.models import Run, RunCount
from sharing.models import Grant


def problems() -> Iterator[str]:
    """Yield what the database itself finds: rows that name rows that are not there, and on SQLite damaged pages."""
    try:
        connection.check_constraints()
    except IntegrityError as error:
        yield f"The database: {error}"
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA quick_check")
            found = [row[0] for row in cursor.fetchall()]
        yield from (f"The database: {each}" for each in found if each != "ok")


def problems_of_runs() -> Iterator[str]:
    """Yield runs whose columns for lists differ from their own row, and tallies that do not count the runs."""
    wrong = Run.objects.exclude(
        Q(list_owner=F("owner_id"))
        & Q(list_actor=Coalesce("actor_id", Value("")))
        & Q(list_task=Coalesce("task_id", Value("")))
    )
    yield from (f"Run {id_}: its columns for lists differ from its row." for id_ in wrong.values_list("pk", flat=True))
    with transaction.atomic():
        counted = Counter(dict(_counted()))
        tallied = Counter(dict(_tallied()))
    for group in sorted(counted.keys() | tallied.keys()):
        if counted[group] != tallied[group]:
            yield f"Runs of {'/'.join(group)}: {counted[group]} are there, and {tallied[group]} are counted."


def problems_of_grants() -> Iterator[str]:
    """Yield grants that repeat another kind or creation time than their resource has."""
    right = Q(resource_kind=F("resource__kind")) & Q(resource_created_at=F("resource__created_at"))
    for id_, resource_id in Grant.objects.exclude(right).values_list("pk", "resource_id"):
        yield f"Grant {id_} on {resource_id}: it repeats another kind or creation time than the resource has."


def _counted() -> Iterator[tuple[tuple[str, ...], int]]:
    rows = Run.objects.order_by().values_list("list_owner", "list_actor", "list_task", "status")
    return ((tuple(group), number) for *group, number in rows.annotate(number=Count("pk")))


def _tallied() -> Iterator[tuple[tuple[str, ...], int]]:
    rows = RunCount.objects.order_by().values_list("owner", "actor", "task", "status")
    return ((tuple(group), number) for *group, number in rows.annotate(number=Sum("runs")))
