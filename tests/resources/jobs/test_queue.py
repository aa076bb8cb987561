"""What is queued is there with the change that wanted it, or not at all."""

import pytest
from django.db import transaction
from django_tasks_db.models import DBTaskResult

from resources.jobs import queue as jobs

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("queue", "name"), [(jobs.queue_input_encryption, "jobs"), (jobs.queue_dispatch, "webhooks")])
def test_what_is_queued_goes_with_its_transaction(database_queue, queue, name):
    with transaction.atomic():
        queue("a" * 17)
        transaction.set_rollback(True)
    assert not DBTaskResult.objects.exists()
    with transaction.atomic():
        queue("a" * 17)
    (row,) = DBTaskResult.objects.all()
    assert (row.queue_name, row.args_kwargs["args"]) == (name, ["a" * 17])
