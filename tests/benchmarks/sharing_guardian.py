"""django-guardian's side of the benchmark of sharing, in a process of its own: prints one JSON line for each size."""

import json
import sys
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.contrib.auth.models import Permission, User  # noqa: E402
from django.contrib.contenttypes.models import ContentType  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, models  # noqa: E402
from guardian.models import UserObjectPermission  # noqa: E402
from guardian.shortcuts import get_objects_for_user  # noqa: E402

from tests.benchmarks import bulk, plan  # noqa: E402
from tests.benchmarks.guardian_project.models import (  # noqa: E402
    Dataset,
    DirectDataset,
    DirectDatasetUserObjectPermission,
)
from tests.benchmarks.timing import milliseconds  # noqa: E402

VARIANTS: dict[str, tuple[type[models.Model], type[models.Model], str]] = {
    "generic": (Dataset, UserObjectPermission, "view_dataset"),
    "direct": (DirectDataset, DirectDatasetUserObjectPermission, "view_directdataset"),
}


def user(account: int) -> User:
    """Return a user that has just come in, with nothing remembered from before."""
    return User(pk=account + 1, username=f"user-{account}", is_active=True)


def may_read_at_hand(variant: str) -> Callable[[int, models.Model], bool]:
    """Return the check alone: the object is at hand."""
    codename = VARIANTS[variant][2]
    return lambda account, dataset: user(account).has_perm(codename, dataset)


def may_read(variant: str) -> Callable[[int, str], bool]:
    """Return the way from an address to the decision."""
    model, _, codename = VARIANTS[variant]
    return lambda account, id_: user(account).has_perm(codename, model._default_manager.get(pk=id_))


def first_page(variant: str) -> Callable[[int], list[Any]]:
    """Return the list of the first 50 of what is shared with an account, newest first."""
    model, _, codename = VARIANTS[variant]
    permission = f"guardian_project.{codename}"
    return lambda account: list(get_objects_for_user(user(account), permission, model).order_by("-created_at")[:50])


def main(sizes: list[tuple[int, int]]) -> None:
    """Grow the database from size to size and take the times at each."""
    call_command("migrate", interactive=False, verbosity=0)
    call_command("migrate", interactive=False, verbosity=0, run_syncdb=True)
    bulk.insert(User, ["id", "username"], ((at + 1, f"user-{at}") for at in range(plan.ACCOUNTS)), password="!")
    all_ids = plan.ids(max(resources for resources, _ in sizes), seed=2)
    present = 0
    for resources, grants in sizes:
        for variant in VARIANTS:
            _add_datasets(variant, all_ids[present:resources], present)
            _set_grants(variant, all_ids[:resources], grants)
        present = max(present, resources)
        bulk.analyze()
        print(json.dumps(_measure(all_ids[:resources], grants)), flush=True)


def _measure(resource_ids: list[str], grants: int) -> dict[str, Any]:
    return {
        "resources": len(resource_ids),
        "grants": grants,
        **{variant: _measure_variant(variant, resource_ids, grants) for variant in VARIANTS},
    }


def _measure_variant(variant: str, resource_ids: list[str], grants: int) -> dict[str, float]:
    asked = plan.checks(len(resource_ids), grants)[:300]
    check, check_alone, page = may_read(variant), may_read_at_hand(variant), first_page(variant)
    assert all(check(each.account, resource_ids[each.resource]) is each.granted for each in asked)
    objects = VARIANTS[variant][0]._default_manager.in_bulk([resource_ids[each.resource] for each in asked])
    assert (len(page(plan.FEW)), len(page(plan.MANY))) == (plan.FEW_GRANTS, 50)
    return {
        "check": milliseconds(check, [(each.account, resource_ids[each.resource]) for each in asked], rounds=3),
        "check_alone": milliseconds(
            check_alone, [(each.account, objects[resource_ids[each.resource]]) for each in asked], rounds=3
        ),
        **_measure_lists(page, ""),
        **_measure_lists_indexed(VARIANTS[variant][0], page),
    }


def _measure_lists(page: Callable[[int], list[Any]], suffix: str) -> dict[str, float]:
    return {
        f"few{suffix}": milliseconds(page, [(plan.FEW,)] * 5, rounds=3),
        f"many{suffix}": milliseconds(page, [(plan.MANY,)] * 5, rounds=3),
    }


def _measure_lists_indexed(model: type[models.Model], page: Callable[[int], list[Any]]) -> dict[str, float]:
    """Take the times once more while there is an index on the time of creation, by which the list is sorted."""
    index = models.Index(fields=["created_at"], name="for_the_benchmark")
    with connection.schema_editor() as editor:
        editor.add_index(model, index)
    bulk.analyze()
    measured = _measure_lists(page, "_indexed")
    with connection.schema_editor() as editor:
        editor.remove_index(model, index)
    bulk.analyze()
    return measured


def _add_datasets(variant: str, ids: list[str], first: int) -> None:
    bulk.insert(
        VARIANTS[variant][0],
        ["id", "owner_id", "name", "created_at"],
        ((id_, plan.owner_of(at) + 1, f"dataset-{at}", plan.created_at(at)) for at, id_ in enumerate(ids, first)),
    )


def _set_grants(variant: str, resource_ids: list[str], count: int) -> None:
    model, grant, codename = VARIANTS[variant]
    content_type = ContentType.objects.get_for_model(model)
    permission = Permission.objects.get(content_type=content_type, codename=codename)
    bulk.empty(grant)
    generic = grant is UserObjectPermission
    bulk.insert(
        grant,
        ["user_id", "object_pk" if generic else "content_object_id"],
        ((account + 1, resource_ids[resource]) for account, resource in plan.grants(len(resource_ids), count)),
        permission=permission,
        **({"content_type": content_type} if generic else {}),
    )


if __name__ == "__main__":
    main([tuple(size) for size in json.loads(sys.argv[1])])
