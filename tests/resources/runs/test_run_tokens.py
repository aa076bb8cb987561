"""The token of a run: those that have ended stay ended, and else it is the same however often the run is begun anew."""

import hashlib

import pytest

from accounts import tokens
from accounts.models import ApiToken
from resources.models import Run
from resources.runs import restarting, resurrecting, starting
from resources.runs.options import RunOptions
from resources.runs.tokens import end_derived_from, make_run_token
from tests.support.factories import built_actor
from tests.support.run_stage import at_work, ended

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor(ada):
    return built_actor(ada)


@pytest.fixture
def run(actor, ada):
    return at_work(starting.start(actor, by=ada.principal))


def is_alive(text: str) -> bool:
    try:
        tokens.resolve(text)
    except tokens.UnknownToken:
        return False
    return True


def token_of_run(run: Run) -> str:
    """Return the token that the run has when any worker begins it now."""
    return make_run_token(Run.objects.get(pk=run.pk))


def test_the_token_of_a_resurrected_run_is_another_and_the_old_one_stays_ended(run, ada):
    seen = []
    for _ in range(3):
        seen.append(token_of_run(run))
        resurrecting.resurrect(ended(run), RunOptions(), by=ada.principal)
        assert not any(map(is_alive, seen))
        at_work(run)
    seen.append(token_of_run(run))
    assert len(set(seen)) == 4
    assert [is_alive(text) for text in seen] == [False, False, False, True]


def test_a_metamorph_ends_the_token_of_what_the_run_was(run, actor, ada):
    seen = [token_of_run(run)]
    for _ in range(2):
        restarting.metamorph(Run.objects.get(pk=run.pk), actor, by=ada.principal)
        seen.append(token_of_run(run))
        assert token_of_run(run) == seen[-1]
    assert [is_alive(text) for text in seen] == [False, False, True]


def test_a_resurrected_run_that_was_turned_into_another_has_no_token_of_before(run, actor, ada):
    """With a build it begins as what it was, and has as many metamorphs behind it as before the first one."""
    seen = [token_of_run(run)]
    restarting.metamorph(Run.objects.get(pk=run.pk), actor, by=ada.principal)
    seen.append(token_of_run(run))
    resurrecting.resurrect(ended(run), RunOptions(build="latest"), by=ada.principal)
    at_work(run)
    seen.append(token_of_run(run))
    assert len(set(seen)) == 3
    assert [is_alive(text) for text in seen] == [False, False, True]


def test_a_token_that_its_owner_has_ended_does_not_come_back_by_a_reboot(run, ada):
    first = token_of_run(run)
    tokens.end_all(ada, by=ada.principal)
    restarting.reboot(Run.objects.get(pk=run.pk), by=ada.principal)
    second = token_of_run(run)
    assert second != first
    assert [is_alive(first), is_alive(second)] == [False, True]


def test_a_reboot_keeps_the_token_and_what_else_goes_by_it(run, ada):
    first = token_of_run(run)
    row = ApiToken.objects.get(run_id=run.pk)
    restarting.reboot(Run.objects.get(pk=run.pk), by=ada.principal)
    assert token_of_run(run) == first
    assert ApiToken.objects.get(run_id=run.pk).pk == row.pk
    assert bytes(row.digest) == hashlib.sha256(first.encode()).digest()


def test_runs_have_tokens_of_their_own(run, actor, ada):
    other = at_work(starting.start(actor, by=ada.principal))
    assert token_of_run(run) != token_of_run(other)


def test_the_kept_token_speaks_for_what_the_run_is_now(run, actor, ada, ben):
    text = token_of_run(run)
    assert tokens.resolve(text).run.is_of_other_account is False
    type(actor).objects.filter(pk=actor.pk).update(owner=ben)
    assert token_of_run(run) == text
    assert tokens.resolve(text).run.is_of_other_account is True


def test_a_token_from_before_tokens_were_derived_ends_when_the_run_is_begun_anew(run, ada):
    old = token_of_run(run)
    ApiToken.objects.update(digest=hashlib.sha256(b"latchkey_api_random").digest())
    text = token_of_run(run)
    assert text != old
    assert [is_alive("latchkey_api_random"), is_alive(text)] == [False, True]


def test_a_new_secret_leaves_the_token_as_long_as_the_old_one_is_a_fallback(run, settings):
    first, before = token_of_run(run), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [before]
    assert token_of_run(run) == first
    settings.SECRET_KEY_FALLBACKS = []
    assert is_alive(first)  # nothing was said to end it
    assert token_of_run(run) != first
    assert not is_alive(first)


def test_the_tokens_of_a_dropped_secret_end_and_no_others(run, actor, ada, settings, token_of):
    mine = token_of(ada)
    first, before = token_of_run(run), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [before]
    other = at_work(starting.start(actor, by=ada.principal))
    by_new = token_of_run(other)
    assert end_derived_from([before]) == 1
    assert [is_alive(text) for text in (first, by_new, mine)] == [False, True, True]
    settings.SECRET_KEY_FALLBACKS = []
    assert end_derived_from([before]) == 0
    again = token_of_run(run)
    assert again != first
    assert is_alive(again)
