"""What ends when a member leaves: their links, keys and schedules; and what goes with an organization."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import tokens
from accounts.holders import Holder, load_principal
from accounts.lib.ids import new_id
from accounts.models import Account
from accounts.organizations import members, roles
from accounts.organizations.errors import NotPermitted, OrganizationError
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import Resource, Run, Schedule
from resources.schedules import editing
from resources.schedules.actions import RunActor
from resources.schedules.editing import ScheduleChange
from sharing import grants
from sharing.access import Access, AddressedBy
from sharing.facts import load_facts
from sharing.links import links, signing_keys
from sharing.organizations import deleting, leaving
from sharing.permissions import Permission
from sharing.schedules import firing
from sharing.signatures import SignedContent, sign_content
from tests.support.factories import built_actor
from tests.support.organizations import acting, join, make_organization, role_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(ada) -> Account:
    return make_organization(ada)


@pytest.fixture
def boss(ada, acme):
    return acting(ada, acme)


@pytest.fixture
def member(acme, ben):
    return join(acme, ben, "Developer")


@pytest.fixture
def storage(acme, make_resource):
    return make_resource(Kind.DATASET, acme, name="prices", general_access="RESTRICTED")


@pytest.fixture
def status(api, storage):
    def get(signature: str) -> int:
        return api().get(f"/v2/datasets/{storage.pk}/items", {"signature": signature}).status_code

    return get


def key_of(principal, resource):
    facts = load_facts(resource, principal.account_id)
    return signing_keys.give_key(Access(principal, resource, facts, AddressedBy.ID))


def lower(acme, boss, name="Developer", **permissions):
    roles.edit(acme, {role_of(acme, name).pk: permissions}, by=boss)


def test_members_have_keys_of_their_own(boss, member, storage):
    of_boss, of_member = key_of(boss, storage), key_of(member, storage)
    assert of_boss
    assert of_member
    assert of_boss != of_member
    assert key_of(storage.owner.principal, storage) not in (of_boss, of_member)


@pytest.mark.parametrize("end", ["left", "removed", "lowered"])
def test_links_follow_the_role_and_end_with_the_membership(acme, ben, boss, member, storage, status, end):
    _, registered = links.create(storage, SignedContent.CONTENT, timedelta(days=1), by=member)
    facts = load_facts(storage, acme.pk)
    sign = links.signer(Access(member, storage, facts, AddressedBy.ID), SignedContent.CONTENT)
    assert sign is not None
    signed = [registered, sign(""), sign_content(key_of(member, storage) or "", storage.pk, 0)]
    assert [status(each) for each in signed] == [200, 200, 200]
    if end == "lowered":
        lower(acme, boss, actors=["READ"])
    else:
        leaving.end_membership(acme, ben.pk, by=member if end == "left" else boss)
    assert [status(each) for each in signed] == [403, 403, 403]


def test_what_was_signed_does_not_come_back_with_a_new_membership(acme, ben, boss, member, storage, status):
    signed = sign_content(key_of(member, storage) or "", storage.pk, 0)
    leaving.end_membership(acme, ben.pk, by=boss)
    join(acme, ben, "Developer")
    assert status(signed) == 403


def test_a_holder_is_found_again_as_a_member(acme, ben, member):
    found = load_principal(Holder.of(member).code)
    assert found == member
    Account.objects.filter(pk=ben.pk).update(is_active=False)
    assert load_principal(Holder.of(member).code) is None


# Schedules


@pytest.fixture
def actor(acme):
    return built_actor(acme, name="finder")


def schedule_of(acme, actor, by) -> Schedule:
    change = ScheduleChange(
        cron_expression="* * * * *", is_enabled=True, actions=[RunActor(id=new_id(), actor_id=actor.pk)]
    )
    return editing.create(acme.pk, change, by=by)


def fire(minutes: int = 2) -> None:
    firing.fire_due(timezone.now() + timedelta(minutes=minutes))


def last_line(schedule: Schedule) -> str:
    return editing.load_log(schedule)[-1].message


def test_a_schedule_acts_as_the_member_who_saved_it(acme, ben, boss, member, actor):
    schedule = schedule_of(acme, actor, member)
    assert schedule.starters == [["", ben.pk]]
    fire()
    assert Run.objects.get(schedule_id=schedule.pk).starters == [["", ben.pk]]
    lower(acme, boss, actors=["READ"])
    fire(10)
    assert Run.objects.filter(schedule_id=schedule.pk).count() == 1
    assert "may not run it" in last_line(schedule)
    editing.update(schedule, ScheduleChange(is_enabled=True), by=boss)  # enabled by another one
    fire(20)
    assert Run.objects.filter(schedule_id=schedule.pk).count() == 2


def test_schedules_are_switched_off_and_listed(acme, ben, boss, member, actor):
    mine, other = schedule_of(acme, actor, member), schedule_of(acme, actor, boss)
    assert leaving.end_membership(acme, ben.pk, by=boss) == [mine]
    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.is_enabled, mine.next_at, other.is_enabled) == (False, None, True)


def test_a_schedule_of_a_revoked_token_starts_nothing(ada, make_resource):
    actor = built_actor(ada)
    scope = [{"kind": "schedule", "permissions": ["WRITE", "CREATE"]}, {"kind": "actor", "permissions": ["RUN"]}]
    token, text = tokens.create(ada, "narrow", by=ada.principal, scope=scope)
    schedule = schedule_of(ada, actor, tokens.resolve(text))
    tokens.revoke(token, by=ada.principal)
    fire()
    assert not Run.objects.exists()
    assert "has ended" in last_line(schedule)


# Leaving


def test_the_page_has_what_a_member_leaves_behind(acme, ben, boss, member, storage, actor, make_resource):
    own, _ = tokens.create(acme, "mine", by=member, member_id=ben.pk)
    seen, _ = tokens.create(acme, "shared", by=member)
    tokens.create(acme, "not theirs", by=boss)
    link, _ = links.create(storage, SignedContent.CONTENT, timedelta(days=1), by=member)
    links.create(storage, SignedContent.CONTENT, timedelta(days=1), by=boss)
    grants.grant(storage, ben, Permission.READ, by=boss)
    schedule = schedule_of(acme, actor, member)
    run = make_resource(Kind.RUN, acme, starters=[["", ben.pk]], status=JobStatus.RUNNING)
    make_resource(Kind.RUN, acme, starters=[["", ben.pk]], status=JobStatus.SUCCEEDED)
    found = leaving.load_traces(acme.members.get(person=ben))
    assert [each.resource_id for each in found.grants] == [storage.pk]
    assert (found.links, found.tokens, found.schedules, found.runs) == ([link], [own], [schedule], [run])
    assert found.organization_tokens == [seen]


def test_a_refused_leaving_changes_nothing(acme, ben, cleo, member, actor):
    schedule = schedule_of(acme, actor, member)
    with pytest.raises(NotPermitted):
        leaving.end_membership(acme, ben.pk, by=join(acme, cleo, "Read only"))
    schedule.refresh_from_db()
    assert schedule.is_enabled


# Deleting


def test_an_organization_goes_with_all_that_it_has(acme, ada, ben, boss, member, storage, actor, give):
    give(storage, ben, "READ")
    schedule_of(acme, actor, member)
    contents = deleting.load_contents(acme)
    assert contents.resources == {Kind.ACTOR: 1, Kind.BUILD: 1, Kind.DATASET: 1, Kind.SCHEDULE: 1}
    assert (contents.members, contents.shared, contents.running) == (2, 1, 0)
    with pytest.raises(NotPermitted):
        deleting.delete(acme, by=member)
    deleting.delete(acme, by=boss)
    assert not Account.objects.filter(pk=acme.pk).exists()
    assert not Resource.objects.filter(pk=storage.pk).exists()
    assert Account.objects.filter(pk__in=[ada.pk, ben.pk]).count() == 2
    assert load_principal(Holder.of(member).code) is None


def test_one_that_is_at_work_stays(acme, boss, make_resource):
    make_resource(Kind.RUN, acme, status=JobStatus.RUNNING)
    with pytest.raises(OrganizationError) as refused:
        deleting.delete(acme, by=boss)
    assert refused.value.type == "organization-has-running-jobs"
    assert Account.objects.filter(pk=acme.pk).exists()


def test_invitations_do_not_name_members(acme, boss, cleo):
    members.invite(acme, cleo, role_of(acme, "Developer").pk, by=boss)
    assert [each.person.username for each in members.list_members(acme)] == ["ada"]
