"""A process of its own that changes what has no HTTP call, when a test tells it to.

It reads lines of JSON, `[what, ...arguments]`, and answers each with a line once the change is committed.
"""

# ruff: noqa: E402  (Django must be set up before anything is imported that needs it)
import json
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")

import django

django.setup()

from accounts import tokens
from accounts.models import Account, ApiToken
from accounts.principal import Principal
from resources import storages
from resources.datasets.writing import push
from resources.kinds import Kind
from sharing.general_access import set_for_account


def principal_of(account: Account) -> Principal:
    return Principal(account.pk, account.username, account.email)


def make(username: str) -> None:
    Account.objects.create_user(username, f"{username}@example.com")


def token(username: str) -> dict[str, str]:
    account = Account.objects.get(username=username)
    made, text = tokens.create(account, "test", by=principal_of(account))
    return {"id": made.pk, "text": text}


def revoke(token_id: str) -> None:
    made = ApiToken.objects.get(pk=token_id)
    tokens.revoke(made, by=principal_of(made.account))


def deactivate(username: str, is_active: bool) -> None:
    Account.objects.filter(username=username).update(is_active=is_active)


def dataset(username: str, name: str) -> str:
    owner = principal_of(Account.objects.get(username=username))
    made, _ = storages.create(Kind.DATASET, owner.account_id or "", by=owner, name=name)
    push(made.pk, b'[{"n": 1}]')
    return made.pk


def level(username: str, value: str) -> None:
    account = Account.objects.get(username=username)
    set_for_account(account, value, by=principal_of(account))


CHANGES = {change.__name__: change for change in (make, token, revoke, deactivate, dataset, level)}

if __name__ == "__main__":
    for line in sys.stdin:
        what, *arguments = json.loads(line)
        print(json.dumps(CHANGES[what](*arguments)), flush=True)
