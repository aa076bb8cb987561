"""The principal of a run's token knows which run it is, whose Actor the run is of, and which token started it."""

import pytest

from accounts import tokens
from accounts.holders import Holder
from accounts.models import Account, ApiToken, Membership, OrganizationRole
from accounts.principal import Principal, RunIdentity
from resources.actors import editing
from resources.models import Actor, Run
from resources.runs import restarting, resurrecting, starting
from resources.runs.options import RunOptions
from resources.runs.tokens import make_run_token
from tests.support.factories import built_actor
from tests.support.organizations import join, make_organization
from tests.support.run_stage import at_work, ended

pytestmark = pytest.mark.django_db


def with_token(account: Account) -> Principal:
    """Return the principal of a new token of an account."""
    return tokens.resolve(tokens.create(account, "test", by=account.principal)[1])


def identity(run: Run) -> RunIdentity:
    """Return what a new token of a run says of the run."""
    at_work(run)
    found = tokens.resolve(make_run_token(run)).run
    assert found is not None
    return found


@pytest.fixture
def own(ada) -> Actor:
    return built_actor(ada)


@pytest.fixture
def foreign(dan) -> Actor:
    return built_actor(dan, name="finder", is_public=True)


def test_sessions_and_tokens_of_people_are_no_runs(ada):
    assert ada.principal.run is None
    assert ada.principal.starting_token_id == ""
    by = with_token(ada)
    assert by.run is None
    assert by.starting_token_id == by.token_id


def test_resolving_costs_one_statement(ada, own, django_assert_num_queries):
    run = starting.start(own, by=ada.principal)
    at_work(run)
    text = make_run_token(run)
    with django_assert_num_queries(1):
        assert tokens.resolve(text).run == RunIdentity(run.pk, False, "", own.pk, ada.pk)


def test_resolving_the_token_of_a_run_that_a_scoped_token_of_a_member_started_costs_one_statement(
    ada, ben, own, django_assert_num_queries
):
    role = OrganizationRole.objects.create(organization=ada, name="Developer", permissions={"actors": ["RUN"]})
    Membership.objects.create(organization=ada, person=ben, role=role)
    entries = [{"kind": "actor", "permissions": ["RUN"], "resourceId": None}]
    token, text = tokens.create(ada, "ci", by=ada.principal, scope=entries)
    ApiToken.objects.filter(pk=token.pk).update(member_id=ben.pk)
    with django_assert_num_queries(1):
        member = tokens.resolve(text)
    run = starting.start(own, by=member)
    at_work(run)
    run_text = make_run_token(run)
    with django_assert_num_queries(1):
        principal = tokens.resolve(run_text)
    assert [role.actors for role in principal.roles] == [{"RUN"}]
    assert [scope.token_name for scope in principal.scopes] == ["ci"]
    tokens.revoke(token, by=ada.principal)
    with pytest.raises(tokens.UnknownToken):
        tokens.resolve(run_text)


def test_a_run_that_a_suspended_member_started_is_let_nothing(ada, ben, own):
    acme = make_organization(ada)
    member = join(acme, ben, "Developer")
    own = built_actor(acme, name="of-acme")
    run = starting.start(own, by=member)
    at_work(run)
    text = make_run_token(run)
    assert [role.name for role in tokens.resolve(text).roles] == ["Developer"]
    Account.objects.filter(pk=ben.pk).update(is_active=False)
    found = tokens.resolve(text)
    assert [(role.name, role.actors) for role in found.roles] == [("", frozenset())]
    assert Holder.of(found) is None
    Account.objects.filter(pk=ben.pk).update(is_active=True)
    assert [role.name for role in tokens.resolve(text).roles] == ["Developer"]


def test_whose_actor_a_run_is_of(ada, own, foreign):
    assert not identity(starting.start(own, by=ada.principal)).is_of_other_account
    assert identity(starting.start(foreign, by=ada.principal)).is_of_other_account


def test_a_metamorph_is_of_the_actor_that_it_is_now(ada, own, foreign):
    run = starting.start(own, by=ada.principal)
    at_work(run)
    restarting.metamorph(run, foreign, by=ada.principal)
    assert identity(run).is_of_other_account
    restarting.metamorph(run, own, by=ada.principal)
    assert not identity(run).is_of_other_account


def test_another_build_takes_the_actor_back(ada, own, foreign):
    run = starting.start(own, by=ada.principal)
    at_work(run)
    restarting.metamorph(run, foreign, by=ada.principal)
    ended(run)
    run.refresh_from_db()
    resurrecting.resurrect(run, RunOptions(), by=ada.principal)
    assert identity(run).is_of_other_account
    ended(run)
    run.refresh_from_db()
    resurrecting.resurrect(run, RunOptions(build="latest"), by=ada.principal)
    assert not identity(run).is_of_other_account


def test_a_deleted_actor_counts_as_another_accounts(ada, own):
    run = starting.start(own, by=ada.principal)
    editing.delete(own, by=ada.principal)
    assert identity(run).is_of_other_account


def test_the_token_that_started_a_run(ada, own):
    by = with_token(ada)
    assert identity(starting.start(own, by=ada.principal)).started_by_token_id == ""
    assert identity(starting.start(own, by=by)).started_by_token_id == by.token_id


def test_a_run_that_a_run_started_has_the_token_that_started_that_one(ada, own):
    by = with_token(ada)
    for starter in (by, ada.principal):
        first = starting.start(own, by=starter)
        at_work(first)
        of_first = tokens.resolve(make_run_token(first))
        second = starting.start(own, by=of_first)
        assert identity(second).started_by_token_id == starter.starting_token_id


@pytest.mark.parametrize("way", ["metamorph", "resurrect"])
def test_going_on_counts_as_starting_for_the_runs_own_account_alone(ada, ben, own, way):
    first, second, another_accounts = with_token(ada), with_token(ada), with_token(ben)
    run = starting.start(own, by=first)
    for by, expected in ((another_accounts, first), (second, second), (ada.principal, ada.principal)):
        at_work(run)
        if way == "resurrect":
            ended(run)
            run.refresh_from_db()
            resurrecting.resurrect(run, RunOptions(), by=by)
        else:
            restarting.metamorph(run, own, by=by)
        assert identity(run).started_by_token_id == expected.starting_token_id


def test_a_run_that_metamorphs_itself_keeps_the_token_that_started_it(ada, own):
    by = with_token(ada)
    run = starting.start(own, by=by)
    at_work(run)
    restarting.metamorph(run, own, by=tokens.resolve(make_run_token(run)))
    assert identity(run).started_by_token_id == by.token_id


BEFORE, AFTER = "0017_encrypt_saved_input_secrets", "0018_tokens_that_started_runs"


@pytest.mark.django_db(transaction=True)
def test_the_tokens_of_runs_at_work_are_marked_by_the_migration(migrate):
    apps = migrate("resources", BEFORE)
    account, token = apps.get_model("accounts", "Account"), apps.get_model("accounts", "ApiToken")
    actor, run = apps.get_model("resources", "Actor"), apps.get_model("resources", "Run")
    ada, dan = (account.objects.create(username=name, email=f"{name}@example.com") for name in ("ada", "dan"))
    own, foreign = (actor.objects.create(owner=owner, kind="actor", name="finder") for owner in (ada, dan))
    worlds = {
        "own": (own, [], False),
        "another account's": (foreign, [], True),
        "own, now another account's": (own, [{"actorId": foreign.pk}], True),
        "another account's, now own": (foreign, [{"actorId": own.pk}], False),
        "deleted": (None, [], True),
    }
    for name, (of, metamorphs, _) in worlds.items():
        made = run.objects.create(owner=ada, kind="run", actor=of, metamorphs=metamorphs, status="RUNNING")
        token.objects.create(account=ada, name=name, digest=name.encode(), hint="", run_id=made.pk)
    token.objects.create(account=ada, name="a person's", digest=b"person", hint="")
    apps = migrate("resources", AFTER)
    marked = dict(apps.get_model("accounts", "ApiToken").objects.values_list("name", "run_is_of_other_account"))
    assert marked == {name: expected for name, (_, _, expected) in worlds.items()} | {"a person's": False}
    assert set(apps.get_model("resources", "Run").objects.values_list("started_by_token", flat=True)) == {None}
