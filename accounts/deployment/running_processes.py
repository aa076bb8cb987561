"""Which secrets the running servers and workers know, so that a new one is used only once all of them can read it.

Each process records digests of its secrets with where it listens (accounts/deployment/exposure.py), each minute anew.
"""

from accounts.deployment import exposure
from accounts.deployment.secret_digests import digest
from accounts.models import ListeningAddress


def processes_without(secret: str, *, to_write: bool = False) -> list[str]:
    """Return the running servers and workers that cannot read what `secret` encrypts, or that do not write with it.

    Each is named by its machine and process ID. A process that runs no more is not among them after five minutes.
    """
    exposure.delete_ended()
    wanted, found = digest(secret), []
    for row in ListeningAddress.objects.exclude(address=exposure.OTHER_MACHINES).order_by("machine", "process_id"):
        known = row.secrets.split()
        if wanted not in (known[:1] if to_write else known):
            found.append(f"process {row.process_id} on {row.machine}")
    return list(dict.fromkeys(found))
