"""Deleting a run that has ended, with its log and its storages."""

from django.db import transaction

from accounts import audit
from accounts.principal import Principal
from resources.jobs.status import FINISHED
from resources.models import Dataset, KeyValueStore, RequestQueue, Run


class NotFinished(ValueError):
    """The run has not ended, so that it cannot be deleted."""


def delete(run: Run, *, by: Principal) -> bool:
    """Delete a run and all that it has, files included, and return whether it was still there.

    Raises:
        NotFinished: when it has not ended.
    """
    with transaction.atomic():
        locked = Run.objects.select_for_update(of=("self",)).filter(pk=run.pk).first()
        if locked is None:
            return False
        if locked.status not in FINISHED:
            raise NotFinished("Only a run that has finished can be deleted. Abort it first.")
        for model in (Dataset, KeyValueStore, RequestQueue):  # what is being written there is waited for, and goes too
            list(model.objects.select_for_update(of=("self",)).filter(run_id=run.pk).values_list("pk"))
        audit.record("resource.deleted", by=by, account_id=run.owner_id, subject_kind=run.kind, subject_id=run.pk)
        locked.delete()
    return True
