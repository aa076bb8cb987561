"""A process of its own that changes what has no HTTP call, when a test tells it to.

It reads lines of JSON, `[what, ...arguments]`, and answers each with a line once the change is committed.
"""

# ruff: noqa: E402  (Django must be set up before anything is imported that needs it)
import json
import os
import sys
from datetime import timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")

import django

django.setup()

from accounts import tokens
from accounts.models import Account, ApiToken
from resources import storages
from resources.actors import editing
from resources.datasets.writing import push
from resources.kinds import Kind
from resources.models import Dataset, Resource
from sharing.general_access import set_for_account, set_run_sharing
from sharing.links import link_limits, links
from sharing.models import SignedLink
from sharing.signatures import SignedContent
from tests.support.factories import make_resource


def make(username: str) -> None:
    Account.objects.create_user(username, f"{username}@example.com")


def token(username: str) -> dict[str, str]:
    account = Account.objects.get(username=username)
    made, text = tokens.create(account, "test", by=account.principal)
    return {"id": made.pk, "text": text}


def revoke(token_id: str) -> None:
    made = ApiToken.objects.get(pk=token_id)
    tokens.revoke(made, by=made.account.principal)


def deactivate(username: str, is_active: bool) -> None:
    Account.objects.filter(username=username).update(is_active=is_active)


def dataset(username: str, name: str) -> str:
    owner = Account.objects.get(username=username).principal
    made, _ = storages.create(Dataset, owner.account_id or "", by=owner, name=name)
    push(made.pk, b'[{"n": 1}]')
    return made.pk


def level(username: str, value: str) -> None:
    account = Account.objects.get(username=username)
    set_for_account(account, value, by=account.principal)


def actor(username: str, name: str) -> str:
    owner = Account.objects.get(username=username).principal
    return editing.create(owner.account_id or "", name, by=owner).pk


def build(actor_id: str) -> str:
    of = Resource.objects.get(pk=actor_id)
    return make_resource(Kind.BUILD, of.owner, actor_id=of.pk, general_access="RESTRICTED").pk


def task(username: str, actor_id: str) -> str:
    return make_resource(Kind.TASK, Account.objects.get(username=username), name="daily", actor_id=actor_id).pk


def run(username: str, actor_id: str, task_id: str | None = None) -> str:
    owner = Account.objects.get(username=username)
    made = make_resource(Kind.RUN, owner, actor_id=actor_id, task_id=task_id, general_access="RESTRICTED")
    return made.pk


def shares_runs(username: str, shares: bool) -> None:
    account = Account.objects.get(username=username)
    set_run_sharing(account, shares, by=account.principal)


def link(username: str, resource_id: str, seconds: float, record_key: str = "") -> dict[str, str]:
    to, by = Resource.objects.get(pk=resource_id), Account.objects.get(username=username)
    opens = SignedContent.RECORD if record_key else SignedContent.CONTENT
    made, signature = links.create(to, opens, timedelta(seconds=seconds), by=by.principal, record_key=record_key)
    return {"id": made.pk, "signature": signature}


def revoke_link(link_id: str) -> None:
    made = SignedLink.objects.get(pk=link_id)
    assert made.made_by is not None
    links.revoke(made, by=made.made_by.principal)


def turn_key(resource_id: str) -> None:
    of = Resource.objects.get(pk=resource_id)
    links.revoke_all(of, by=of.owner.principal)


def cap(username: str, days: int | None) -> None:
    account = Account.objects.get(username=username)
    link_limits.set_cap(account, days, by=account.principal)


def reader_links(username: str, allowed: bool) -> None:
    account = Account.objects.get(username=username)
    links.set_reader_links(account, allowed, by=account.principal)


_OF_ACCOUNTS = (make, token, revoke, deactivate, level, shares_runs, cap, reader_links)
_OF_RESOURCES = (dataset, actor, build, task, run, link, revoke_link, turn_key)
CHANGES = {change.__name__: change for change in (*_OF_ACCOUNTS, *_OF_RESOURCES)}

if __name__ == "__main__":
    for line in sys.stdin:
        what, *arguments = json.loads(line)
        print(json.dumps(CHANGES[what](*arguments)), flush=True)
