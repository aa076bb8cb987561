"""Access given, changed, removed and put back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.core import mail
from django.db import connection

from accounts.models import AuditEvent
from accounts.principal import Scope, ScopeEntry
from resources.kinds import Kind
from sharing import grants
from sharing.issues import issues
from sharing.models import Grant, Issue
from sharing.permissions import NOTHING, Permission

READ, WRITE, MANAGE = Permission.READ, Permission.WRITE, Permission.MANAGE_ACCESS_RIGHTS


@pytest.fixture
def dataset(ada, make_resource):
    return make_resource(Kind.DATASET, ada, name="prices")


def held(resource, account) -> Permission:
    grant = Grant.objects.filter(resource=resource, account=account, source="DIRECT").first()
    return Permission(grant.permissions) if grant else NOTHING


# Refusals


def test_the_owner_cannot_be_given_access(dataset, ada):
    with pytest.raises(grants.OwnerNeedsNoGrant, match="ada owns this dataset"):
        grants.grant(dataset, ada, READ, by=ada.principal)
    assert not Grant.objects.exists()


def test_a_manager_gives_no_more_than_it_holds(dataset, ben, cleo, give):
    give(dataset, ben, "READ", "MANAGE_ACCESS_RIGHTS")
    with pytest.raises(grants.BeyondOwnPermissions, match="WRITE"):
        grants.grant(dataset, cleo, READ | WRITE, by=ben.principal)
    assert held(dataset, cleo) == NOTHING
    grants.grant(dataset, cleo, READ | MANAGE, by=ben.principal)
    assert held(dataset, cleo) == READ | MANAGE


def test_a_scoped_token_of_the_owner_gives_no_more_than_its_scope(dataset, ada, ben):
    scoped = replace(ada.principal, scope=Scope((ScopeEntry("dataset", frozenset({"MANAGE_ACCESS_RIGHTS"})),)))
    with pytest.raises(grants.BeyondOwnPermissions, match="WRITE"):
        grants.grant(dataset, ben, READ | WRITE, by=scoped)
    assert held(dataset, ben) == NOTHING
    grants.grant(dataset, ben, READ | MANAGE, by=scoped)
    assert held(dataset, ben) == READ | MANAGE
    removed = grants.revoke(dataset, ben, by=scoped)
    assert grants.may_put_back(dataset, removed, READ | MANAGE, by=scoped)
    assert not grants.may_put_back(dataset, removed, READ, by=scoped)


def test_a_manager_cannot_change_its_own_grant(dataset, ben, give):
    give(dataset, ben, "READ", "MANAGE_ACCESS_RIGHTS")
    with pytest.raises(grants.BeyondOwnPermissions, match="give up your own access"):
        grants.grant(dataset, ben, READ | WRITE | MANAGE, by=ben.principal)
    assert held(dataset, ben) == READ | MANAGE


def test_a_manager_cannot_put_back_more_than_it_holds(dataset, ada, ben, cleo, give):
    give(dataset, ben, "READ", "MANAGE_ACCESS_RIGHTS")
    give(dataset, cleo, "WRITE")
    removed = grants.revoke(dataset, cleo, by=ben.principal)
    assert not grants.may_put_back(dataset, removed, READ | MANAGE, by=ben.principal)
    with pytest.raises(grants.BeyondOwnPermissions):
        grants.put_back(dataset, cleo, removed, by=ben.principal)
    assert held(dataset, cleo) == NOTHING


def test_a_manager_cannot_end_the_access_of_an_issue(ada, ben, dan, make_resource, give):
    run, _ = run_on_issue(ada, dan, make_resource)
    give(run, ben, "MANAGE_ACCESS_RIGHTS")
    assert grants.revoke(run, dan, by=ben.principal) == []
    assert Grant.objects.filter(resource=run, account=dan).exists()


def test_what_the_run_was_taken_off_cannot_be_put_back(ada, dan, make_resource):
    run, issue = run_on_issue(ada, dan, make_resource)
    removed = grants.revoke(run, dan, by=ada.principal)
    issues.detach_run(issue, by=ada.principal)
    with pytest.raises(grants.CannotPutBack):
        grants.put_back(run, dan, removed, by=ada.principal)
    assert not Grant.objects.filter(resource=run, account=dan).exists()


def test_what_was_deleted_meanwhile_cannot_be_shared(dataset, ada, ben):
    type(dataset).objects.get(pk=dataset.pk).delete()
    with pytest.raises(grants.ResourceGone, match="This dataset was deleted"):
        grants.grant(dataset, ben, READ, by=ada.principal)
    assert grants.revoke(dataset, ben, by=ada.principal) == []


# What works


def test_granting_tells_whether_it_is_new_and_changes_what_there_is(dataset, ada, ben):
    assert grants.grant(dataset, ben, READ, by=ada.principal)[1] is True
    assert grants.grant(dataset, ben, READ | WRITE, by=ada.principal)[1] is False
    assert held(dataset, ben) == READ | WRITE
    assert [event.action for event in AuditEvent.objects.order_by("id")] == ["grant.created", "grant.changed"]


def test_granting_the_same_again_writes_nothing(dataset, ada, ben, give):
    give(dataset, ben)
    give(dataset, ben)
    assert AuditEvent.objects.count() == 1


def test_adding_somebody_again_leaves_them_what_they_have(dataset, ada, ben, give):
    give(dataset, ben, "WRITE")
    grant, is_new = grants.add(dataset, ben, READ | MANAGE, by=ada.principal)
    assert (is_new, Permission(grant.permissions)) == (False, READ | WRITE)
    assert held(dataset, ben) == READ | WRITE


def test_putting_back_restores_exactly_what_was_removed(dataset, ada, ben, give, django_capture_on_commit_callbacks):
    before = give(dataset, ben, "WRITE")
    removed = grants.revoke(dataset, ben, by=ada.principal)
    assert held(dataset, ben) == NOTHING
    with django_capture_on_commit_callbacks(execute=True):
        grants.put_back(dataset, ben, removed, by=ada.principal)
    after = Grant.objects.get()
    assert (after.permissions, after.granted_by, after.created_at) == (
        before.permissions,
        before.granted_by,
        before.created_at,
    )
    assert mail.outbox == []


def test_putting_back_leaves_what_was_given_since(dataset, ada, ben, give):
    give(dataset, ben, "WRITE", "MANAGE_ACCESS_RIGHTS")
    removed = grants.revoke(dataset, ben, by=ada.principal)
    give(dataset, ben)
    grants.put_back(dataset, ben, removed, by=ada.principal)
    assert held(dataset, ben) == READ


def test_the_access_of_an_issue_ends_by_the_runs_owner_and_comes_back(ada, dan, make_resource):
    run, issue = run_on_issue(ada, dan, make_resource)
    removed = grants.revoke(run, dan, by=ada.principal, source="ISSUE")
    assert [each.issue_id for each in removed] == [issue.pk]
    assert not Grant.objects.exists()
    grants.put_back(run, dan, removed, by=ada.principal)
    assert Grant.objects.get().issue == issue


def test_everybody_can_give_up_their_own_access(dataset, ben, give):
    give(dataset, ben, "WRITE")
    (removed,) = grants.revoke(dataset, ben, by=ben.principal)
    assert removed.permissions == READ | WRITE
    assert held(dataset, ben) == NOTHING


def run_on_issue(owner, developer, make_resource):
    actor = make_resource(Kind.ACTOR, developer, name="shop", is_public=True)
    run = make_resource(Kind.RUN, owner, actor=actor)
    issue = Issue.objects.create(actor=actor, author=owner, title="Prices missing")
    issues.attach_run(issue, run, by=owner.principal)
    return run, issue


@pytest.mark.django_db(transaction=True)
def test_of_two_who_add_the_same_person_at_once_one_is_first(dataset, ada, ben):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets in one writer at a time by itself, and threads cannot share its database in memory.")
    barrier = threading.Barrier(4)

    def add(permissions: Permission) -> bool:
        try:
            barrier.wait(10)
            return grants.add(dataset, ben, permissions, by=ada.principal)[1]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        new = list(pool.map(add, [READ, READ | WRITE, READ, READ | MANAGE]))
    assert sorted(new) == [False, False, False, True]
    assert len(mail.outbox) == 1
    assert AuditEvent.objects.filter(action="grant.created").count() == 1
    assert not AuditEvent.objects.filter(action="grant.changed").exists()
