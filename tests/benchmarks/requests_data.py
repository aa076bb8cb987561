"""Makes what the benchmark of requests reads, in a process of its own: prints the dataset's ID and a token as JSON."""

import json

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from accounts import tokens  # noqa: E402
from accounts.models import Account  # noqa: E402
from accounts.principal import Principal  # noqa: E402
from console.demo import items  # noqa: E402
from resources.datasets.writing import push  # noqa: E402
from resources.models import Dataset, GeneralAccess  # noqa: E402
from sharing import grants  # noqa: E402
from sharing.permissions import Permission  # noqa: E402


def main() -> None:
    """Make a restricted dataset of ada's with real items, shared with ben, and a token of ben's."""
    call_command("migrate", interactive=False, verbosity=0)
    ada, ben = (
        Account.objects.create_user(name, f"{name}@example.com", notify_when_shared=False) for name in ("ada", "ben")
    )
    dataset = Dataset.objects.create(owner=ada, name="time-zones", general_access=GeneralAccess.RESTRICTED)
    push(dataset.pk, json.dumps(items.time_zones()).encode())
    grants.grant(dataset, ben, Permission.READ, by=Principal(ada.pk, ada.username, ada.email))
    token = tokens.create(ben, "benchmark", by=Principal(ben.pk, ben.username, ben.email))[1]
    print(json.dumps({"dataset": dataset.pk, "token": token}))


if __name__ == "__main__":
    main()
