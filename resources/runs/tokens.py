"""The token of a run: it speaks for the run's owner, and ends with the run."""

from django.db import transaction

from accounts import tokens
from resources.jobs import FINISHED
from resources.models import Run


class RunOver(LookupError):
    """The run has ended, or was deleted, so that nobody may speak for its owner by it any more."""


def make_run_token(run: Run) -> str:
    """Return the text of a new token of a run; one that was made for it before ends.

    Raises:
        RunOver: when the run has ended or is gone.
    """
    with transaction.atomic():
        locked = Run.objects.select_for_update(of=("self",)).filter(pk=run.pk).exclude(status__in=FINISHED).first()
        if locked is None:
            raise RunOver(run.pk)
        tokens.end_for_run(locked.token_id)
        token, text = tokens.create_for_run(locked.owner_id, run.pk)
        Run.objects.filter(pk=run.pk).update(token_id=token.pk)
    run.token_id = token.pk
    return text
