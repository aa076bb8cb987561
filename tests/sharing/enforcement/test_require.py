"""Resources named in a body: refused as if the URL had named them."""

from dataclasses import replace

import pytest

from accounts.lib.api_errors import ApiError
from accounts.principal import ANONYMOUS, Scope, ScopeEntry
from resources.kinds import Kind
from sharing.enforcement.require import get_or_refuse
from sharing.permissions import Permission

RUN, READ = Permission.RUN, Permission.READ


@pytest.fixture
def actor(dan, make_resource):
    return make_resource(Kind.ACTOR, dan, name="finder")


def refusal(principal, kind, address, permission) -> tuple[int, str]:
    with pytest.raises(ApiError) as refused:
        get_or_refuse(principal, kind, address, permission)
    return refused.value.status, refused.value.type


def test_what_is_not_there_and_what_may_not_be_known_of_are_the_same(actor, ben):
    for address in (actor.pk, "dan~finder", "dan~nothing", "0" * 17, "", "a/b", "~finder"):
        assert refusal(ben.principal, Kind.ACTOR, address, RUN) == (404, "record-not-found")


def test_a_dataset_is_no_actor(ben, make_resource):
    dataset = make_resource(Kind.DATASET, ben)
    assert refusal(ben.principal, Kind.ACTOR, dataset.pk, READ) == (404, "record-not-found")


def test_nobody_is_asked_for_a_token(actor):
    actor.is_public = True
    actor.save()
    assert refusal(ANONYMOUS, Kind.ACTOR, actor.pk, RUN) == (401, "token-not-provided")
    assert get_or_refuse(ANONYMOUS, Kind.ACTOR, actor.pk, READ).pk == actor.pk


def test_who_may_read_is_told_what_is_missing(actor, ben, give):
    give(actor, ben, "READ")
    with pytest.raises(ApiError, match="Missing permission: RUN") as refused:
        get_or_refuse(ben.principal, Kind.ACTOR, actor.pk, RUN)
    assert (refused.value.status, refused.value.type) == (403, "insufficient-permissions")


def test_a_scope_narrows(actor, dan):
    scope = Scope((ScopeEntry("dataset", frozenset({"READ"})),))
    assert refusal(replace(dan.principal, scope=scope), Kind.ACTOR, actor.pk, RUN) == (404, "record-not-found")


def test_by_id_and_by_name_for_whoever_may(actor, ben, dan, give):
    give(actor, ben, "RUN")
    assert get_or_refuse(ben.principal, Kind.ACTOR, "dan~finder", RUN).pk == actor.pk
    assert get_or_refuse(ben.principal, Kind.ACTOR, actor.pk, RUN).pk == actor.pk
    assert get_or_refuse(dan.principal, Kind.ACTOR, "~finder", RUN).pk == actor.pk
