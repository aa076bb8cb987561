"""Scopes that no token can be asked for any more, and what outlives what: links, runs and what managers give."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import tokens
from accounts.holders import Holder
from accounts.models import ApiToken, Membership, OrganizationRole
from accounts.principal import Scope, ScopeEntry
from resources.kinds import Kind
from resources.models import Run, Schedule
from resources.runs import resurrecting, starting
from resources.runs.options import RunOptions
from resources.runs.tokens import make_run_token
from resources.schedules import editing
from resources.schedules.editing import ScheduleChange
from sharing import grants
from tests.support.api import ApiClient
from tests.support.factories import built_actor, give, make_resource
from tests.support.run_stage import at_work, ended

pytestmark = pytest.mark.django_db
SCOPE = [{"kind": "actor", "permissions": ["RUN"], "resourceId": None}]


@pytest.fixture
def prices(ada):
    ada.general_access = "RESTRICTED"
    ada.save()
    return make_resource(Kind.DATASET, ada, name="prices")


def principal_of(run: Run):
    at_work(run)
    return tokens.resolve(make_run_token(Run.objects.get(pk=run.pk)))


def test_a_run_with_a_kept_scope_hands_it_on_to_the_runs_that_it_starts(ada, prices):
    actor = built_actor(ada)
    run = starting.start(actor, by=ada.principal)
    Run.objects.filter(pk=run.pk).update(token_scope=SCOPE)
    child = starting.start(actor, by=principal_of(run))
    assert child.token_scope == SCOPE
    at_work(child)
    text = make_run_token(Run.objects.get(pk=child.pk))
    assert ApiClient(text).get(f"/v2/datasets/{prices.pk}").status_code == 403


def test_a_run_with_a_kept_scope_leaves_it_on_the_schedules_that_it_saves(ada):
    run = starting.start(built_actor(ada), by=ada.principal)
    Run.objects.filter(pk=run.pk).update(token_scope=SCOPE)
    editing.create(ada.pk, ScheduleChange(cron_expression="@daily"), by=principal_of(run))
    assert Schedule.objects.get().token_scope == SCOPE


def test_creating_alone_reads_nothing_where_scopes_meet():
    creates = Scope((ScopeEntry("dataset", frozenset({"CREATE"})),))
    writes = Scope((ScopeEntry("dataset", frozenset({"CREATE", "WRITE"})),))
    both = creates.narrowed_to(writes)
    assert both.allows_create("dataset")
    assert not both.allows("READ", "dataset", None)


def test_what_a_run_has_signed_ends_with_the_token_that_started_it_also_once_it_is_resurrected(ada):
    actor = built_actor(ada)
    token, text = tokens.create(ada, "ci", by=ada.principal)
    run = starting.start(actor, by=tokens.resolve(text))
    ended(run)
    resurrecting.resurrect(Run.objects.get(pk=run.pk), RunOptions(), by=ada.principal)
    assert Holder.of(principal_of(run)) == Holder(ada.pk, token.pk)


def test_the_runs_of_a_token_end_with_it(ada):
    token, text = tokens.create(ada, "ci", by=ada.principal, expires_at=timezone.now() + timedelta(days=1))
    run = starting.start(built_actor(ada), by=tokens.resolve(text))
    at_work(run)
    text = make_run_token(Run.objects.get(pk=run.pk))
    assert tokens.resolve(text).account_id == ada.pk
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(tokens.UnknownToken):
        tokens.resolve(text)


def test_a_member_s_token_is_none_once_the_member_has_left(ada, ben):
    role = OrganizationRole.objects.create(organization=ada, name="All", permissions={"account": ["UPDATE_PROFILE"]})
    membership = Membership.objects.create(organization=ada, person=ben, role=role)
    _, text = tokens.create(ada, "ci", by=ada.principal, member_id=ben.pk)
    assert ApiClient(text).get("/v2/users/me").status_code == 200
    membership.delete()
    assert ApiClient(text).get("/v2/users/me").status_code == 401


def test_a_run_does_nothing_for_the_whole_account_but_is_told_of_its_own(ada):
    run = starting.start(built_actor(ada), by=ada.principal)
    at_work(run)
    client = ApiClient(make_run_token(Run.objects.get(pk=run.pk)))
    assert "proxy" in client.get("/v2/users/me").json()["data"]
    assert client.get("/v2/actor-approvals").status_code == 403
    assert client.get("/v2/tokens").status_code == 403


def test_a_manager_gives_no_longer_than_they_manage_also_where_everyone_may_read(ada, ben, cleo):
    dataset = make_resource(Kind.DATASET, ada, general_access="ANYONE_WITH_ID_CAN_READ")
    give(dataset, ben, "MANAGE_ACCESS_RIGHTS")
    soon = timezone.now() + timedelta(days=5)
    grants.change(dataset, ben, None, by=ada.principal, expires_at=soon)
    with pytest.raises(grants.BeyondOwnEnd):
        grants.grant(dataset, cleo, grants.Permission.READ, by=ben.principal, expires_at=soon + timedelta(days=30))
