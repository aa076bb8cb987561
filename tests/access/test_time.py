"""Grants that end: the decision, lists, totals and the overview say the same at any moment."""

from datetime import datetime, timedelta

from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from sharing import grant_lifecycle
from sharing.access import EXPLICIT, Reason
from sharing.facts import load_facts
from sharing.lists import count_listed
from sharing.models import Grant
from sharing.overview import overview
from tests.support.cast import PEOPLE
from tests.support.clock import standing_at
from tests.support.random_worlds import DAY, LISTED_FOR, few_worlds, worlds
from tests.support.worlds import World, build

INSTANT = timedelta(microseconds=1)


def drawn_moment(data: st.DataObject, began: datetime) -> datetime:
    """Return the moment of an end, just before or just after it, or when the world was built."""
    ends = [each.expires_at for each in Grant.objects.order_by("pk") if each.expires_at]
    return data.draw(st.sampled_from([began, *ends])) + data.draw(st.sampled_from([-INSTANT, timedelta(), INSTANT]))


def readers_by(world: World, name: str) -> set[str]:
    """Return who may read a resource by the rules 1 to 8, as its overview says."""
    seen = overview(load_facts(world.resources[name], None))
    ids = {seen.owner_id, *(right.account_id for right in seen.items), *(row.account_id for row in seen.elsewhere)}
    everyone = any(row.account_id is None for row in seen.elsewhere)
    return {who for who in PEOPLE if everyone or world.accounts[who].pk in ids}


class Time(TestCase):
    """One law a test."""

    @few_worlds
    @given(worlds(), st.data())
    def test_all_agree_at_any_moment(self, description, data):
        began = timezone.now()
        with standing_at(began):
            world = build(description)
        with standing_at(drawn_moment(data, began)):
            decisions = {(who, name): world.decide(who, name, "READ") for who in PEOPLE for name in world.resources}
            for who in PEOPLE:
                expected = {
                    name: decisions[who, name].reason
                    for name in world.resources
                    if decisions[who, name].allowed and decisions[who, name].reason in LISTED_FOR
                }
                assert {world.name_of(row.id): row.reason for row in world.listed(who)} == expected
                assert count_listed(world.principal(who)) == len(expected)
            for name in world.resources:
                explicit = {who for who in PEOPLE if decisions[who, name].reason in EXPLICIT}
                assert readers_by(world, name) == explicit

    @few_worlds
    @given(worlds(), st.data())
    def test_time_gives_nobody_anything(self, description, data):
        began = timezone.now()
        with standing_at(began):
            world = build(description)
            before = world.allowed()
        later = max(began, drawn_moment(data, began))
        with standing_at(later):
            assert world.allowed() <= before

    @few_worlds
    @given(worlds(), st.data())
    def test_taking_time_away_gives_nobody_anything(self, description, data):
        world = build(description)
        before, found = world.allowed(), list(Grant.objects.order_by("pk"))
        for grant in found:
            earlier = timezone.now() + timedelta(milliseconds=data.draw(st.sampled_from([-DAY, 0, DAY // 2])))
            if data.draw(st.booleans()) and (grant.expires_at is None or earlier < grant.expires_at):
                Grant.objects.filter(pk=grant.pk).update(expires_at=earlier)
        assert world.allowed() <= before

    @few_worlds
    @given(worlds(), st.data())
    def test_what_has_ended_gives_what_no_grant_gives_whatever_jobs_have_done(self, description, data):
        began = timezone.now()
        with standing_at(began):
            world = build(description)
        moment = drawn_moment(data, began)
        with standing_at(moment):
            found = world.allowed()
            grant_lifecycle.record_ends()
            assert world.allowed() == found
            Grant.objects.filter(expires_at__lte=moment).delete()
            assert world.allowed() == found
            reasons = {world.decide(who, name, "READ").reason for who in PEOPLE for name in world.resources}
            if not Grant.objects.filter(source="DIRECT").exists():
                assert not reasons & {Reason.GRANT, Reason.ACTOR_GRANT, Reason.OWNER_RUNS}
