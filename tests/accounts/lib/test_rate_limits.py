"""Rate limits: counted by who and what, in the database, for any time that has passed."""

import time
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.utils import timezone

from accounts.lib.rate_limits import count_use
from accounts.models import CacheEntry

pytestmark = pytest.mark.django_db


def test_it_refuses_what_is_too_often_and_does_not_count_it(monkeypatch):
    now = time.time()
    monkeypatch.setattr("allauth.core.internal.ratelimit.time.time", lambda: now)
    assert [count_use("look-up", "ada", 3, 60) for _ in range(5)] == [True, True, True, False, False]
    now += 59
    assert not count_use("look-up", "ada", 3, 60)
    now += 2
    assert count_use("look-up", "ada", 3, 60)


def test_it_tells_people_and_actions_apart():
    assert count_use("look-up", "ada", 1, 60)
    assert count_use("look-up", "ben", 1, 60)
    assert count_use("ask", "ada", 1, 60)
    assert not count_use("look-up", "ada", 1, 60)


@pytest.mark.parametrize("key", ["", "\x00", "\ud800", "x" * 100_000, "a b:c"])
def test_any_key_will_do(key):
    assert [count_use("look-up", key, 1, 60) for _ in range(2)] == [True, False]


def test_it_is_kept_in_the_database_where_every_worker_sees_it():
    count_use("look-up", "ada", 1, 60)
    assert isinstance(caches["default"], DatabaseCache)
    assert CacheEntry.objects.exists()


def test_counts_of_very_many_others_make_it_forget_none_before_its_time(monkeypatch):
    """Django's own cache deletes a third of its entries where there are too many, by their keys."""
    cache = caches["default"]
    monkeypatch.setattr(cache, "_max_entries", 20)
    assert [count_use("password", "ada", 2, 60) for _ in range(3)] == [True, True, False]
    CacheEntry.objects.create(cache_key="over", value="", expires=timezone.now() - timedelta(hours=1))

    for number in range(100):
        assert count_use("password", f"somebody {number}", 2, 60)

    assert not count_use("password", "ada", 2, 60)
    assert not CacheEntry.objects.filter(cache_key="over").exists()
