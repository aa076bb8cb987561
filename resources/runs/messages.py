"""Set a run's status message. All who can read the run can read it, like the log."""

from accounts.lib.encryption import CannotDecrypt
from resources.actors import environment
from resources.logs.hiding import HIDDEN, Redactor
from resources.models import BuildContent, Run
from resources.runs import kept_secrets
from resources.runs.callback_url import make_signature


def without_secrets(run: Run, message: str, token: str) -> str:
    """Return a message of a run's own as others may read it: without its secrets and its token.

    These are the secret variables of its build, and the secret fields of its input.
    """
    sealed = BuildContent.objects.filter(build_id=run.build_id).values_list("environment", flat=True).first()
    try:
        secrets = [*environment.decrypt_environment(sealed or "").secrets(), *kept_secrets.get_hidden_texts(run)]
    except CannotDecrypt:  # the run was given them, and here they are not known any more
        return HIDDEN.decode()
    return Redactor([*secrets, token, make_signature(run.pk)]).hide(message.encode(errors="replace")).decode()
