"""The cap on the life of links: what it refuses and keeps refusing, what it ends, and how much it keeps of it."""

from datetime import timedelta

import pytest
from apify_client._utils.crypto import create_hmac_signature, create_storage_content_signature
from django.utils import timezone

from accounts.models import Account, AuditEvent
from resources.kinds import Kind
from resources.models import Resource
from resources.records import writing
from sharing.links import link_limits, links
from sharing.models import RefusedSignature, SignedLink
from sharing.signatures import SignedContent, sign_content
from tests.support.link_keys import key_of

pytestmark = pytest.mark.django_db

WEEK = 7


@pytest.fixture
def store(ada, make_resource) -> Resource:
    """Ada's Restricted key-value store with one record; links to what she owns live a week at most."""
    link_limits.set_cap(ada, WEEK, by=ada.principal)
    store = make_resource(Kind.KEY_VALUE_STORE, ada, general_access="RESTRICTED")
    writing.write(store.pk, "OUTPUT", [b"{}"], content_type="application/json")
    return store


@pytest.fixture
def status(api, store):
    def get(signature: str, path: str = "keys") -> int:
        return api().get(f"/v2/key-value-stores/{store.pk}/{path}?signature={signature}").status_code

    return get


@pytest.fixture
def later(monkeypatch):
    """Let time pass: `later(days=2)`."""
    real = timezone.now

    def move(**by: float) -> None:
        monkeypatch.setattr("sharing.links.link_limits.timezone.now", lambda: real() + timedelta(**by))

    return move


def by_client(store, **lifetime) -> str:
    return create_storage_content_signature(store.pk, key_of(store), expires_in=timedelta(**lifetime))


def link(store, ada, **lifetime) -> str:
    """Make a registered link that the cap of today would not allow."""
    days = store.owner.link_days
    Account.objects.filter(pk=ada.pk).update(link_days=None)
    signature = links.create(store, SignedContent.CONTENT, timedelta(**lifetime), by=ada.principal)[1]
    Account.objects.filter(pk=ada.pk).update(link_days=days)
    return signature


@pytest.mark.parametrize(
    "made", [lambda store, ada: by_client(store, days=8), lambda store, ada: link(store, ada, days=8)]
)
def test_what_has_more_than_the_cap_left_is_refused_and_stays_refused(ada, store, status, later, made):
    signature = made(store, ada)
    assert status(signature) == 403
    later(days=2)
    assert status(signature) == 403
    link_limits.set_cap(ada, 30, by=ada.principal)
    assert status(signature) == 403
    link_limits.set_cap(ada, None, by=ada.principal)
    assert status(signature) == 403


def test_what_was_never_shown_before_opens_when_the_cap_is_left(ada, store, status, later):
    """Nobody saw it refused: what counts is the life that it has left at its first use."""
    signature = by_client(store, days=8)
    later(days=2)
    assert status(signature) == 200


def test_a_permanent_signature_stays_refused_after_the_cap(ada, store, status):
    key = key_of(store)
    content, record = create_storage_content_signature(store.pk, key), create_hmac_signature(key, "OUTPUT")
    assert [status(content), status(record, "records/OUTPUT")] == [403, 403]
    link_limits.set_cap(ada, None, by=ada.principal)
    assert [status(content), status(record, "records/OUTPUT")] == [403, 403]
    links.revoke_all(store, by=ada.principal)
    key = key_of(store)
    assert status(create_storage_content_signature(store.pk, key)) == 200
    assert status(create_hmac_signature(key, "OUTPUT"), "records/OUTPUT") == 200


@pytest.mark.parametrize(("before", "after", "ends"), [(None, 9, True), (9, 8, True), (8, 9, False), (9, None, False)])
def test_setting_or_lowering_the_cap_ends_what_clients_signed_and_what_is_on_no_list(
    ada, api, store, status, before, after, ends
):
    link_limits.set_cap(ada, before, by=ada.principal)
    address = f"/v2/key-value-stores/{store.pk}"
    in_answer = api(ada).get(address).json()["data"]["keysPublicUrl"].partition("signature=")[2]
    signed = [by_client(store, hours=1), in_answer]
    registered = links.create(store, SignedContent.CONTENT, timedelta(days=8) - timedelta(minutes=2), by=ada.principal)[
        1
    ]
    assert [status(each) for each in (*signed, registered)] == [200] * 3
    link_limits.set_cap(ada, after, by=ada.principal)
    assert [status(each) for each in signed] == [403 if ends else 200] * 2
    assert status(registered) == 200


def test_a_registered_link_that_does_not_keep_within_a_new_cap_ends_although_it_was_not_used(ada, store, status, later):
    signature = links.create(store, SignedContent.CONTENT, timedelta(days=5), by=ada.principal)[1]
    link_limits.set_cap(ada, 3, by=ada.principal)
    later(days=4)
    assert status(signature) == 403
    assert SignedLink.objects.get().refused_at is not None


def test_nothing_is_kept_of_what_opens_nothing_anyway(ada, cleo, store, status):
    other = sign_content("f" * 64, store.pk, 0)
    expired = by_client(store, seconds=-1)
    revoked = by_client(store, days=8)
    links.revoke_all(store, by=ada.principal)
    assert [status(each) for each in (other, expired, revoked, "x")] == [403] * 4
    assert not RefusedSignature.objects.exists()


def test_what_is_kept_of_a_storage_is_bounded_and_no_refused_one_ever_opens(ada, store, status, monkeypatch):
    monkeypatch.setattr("sharing.links.link_limits.MOST_REFUSALS", 3)
    signatures = [by_client(store, days=8, seconds=n) for n in range(4)]
    short = by_client(store, hours=1)
    for signature in signatures[:3]:
        assert [status(signature), status(signature)] == [403, 403]
    assert RefusedSignature.objects.count() == 3
    assert status(short) == 200
    assert status(signatures[3]) == 403
    assert RefusedSignature.objects.count() == 0
    link_limits.set_cap(ada, None, by=ada.principal)
    assert [status(each) for each in (*signatures, short)] == [403] * 5
    assert status(by_client(store, hours=1)) == 200
    assert AuditEvent.objects.filter(action="link.keys_changed", account_id=ada.pk, subject_id=store.pk).count() == 1


def test_refusals_of_what_has_ended_make_room_first(ada, store, status, later, monkeypatch):
    monkeypatch.setattr("sharing.links.link_limits.MOST_REFUSALS", 2)
    ending = [by_client(store, days=8, seconds=n) for n in range(2)]
    lasting = by_client(store, days=30)
    short = by_client(store, days=10)
    assert [status(each) for each in ending] == [403, 403]
    later(days=9)
    assert [status(lasting), status(short)] == [403, 200]
    assert RefusedSignature.objects.count() == 1


def test_a_link_of_the_server_may_live_as_long_as_the_cap_though_clocks_differ(ada, store, status, later):
    signature = links.create(store, SignedContent.CONTENT, timedelta(days=WEEK), by=ada.principal)[1]
    later(seconds=-30)
    assert status(signature) == 200


def test_the_effect_counts_what_ends_and_what_goes_on(ada, ben, store, make_resource):
    for days in (1, 2, 5):
        links.create(store, SignedContent.CONTENT, timedelta(days=days), by=ada.principal)
    revoked, _ = links.create(store, SignedContent.CONTENT, timedelta(days=6), by=ada.principal)
    links.revoke(revoked, by=ada.principal)
    key_of(store)
    key_of(make_resource(Kind.DATASET, ada))
    theirs = make_resource(Kind.DATASET, ben)
    key_of(theirs)
    links.create(theirs, SignedContent.CONTENT, timedelta(days=6), by=ben.principal)
    assert link_limits.predict_effect(ada, 3) == link_limits.Effect(ending=1, continuing=2, keys=2, storages=2, old=0)
    Account.objects.filter(pk=ada.pk).update(old_link_keys_until=timezone.now(), link_counter=0)
    ada.refresh_from_db()
    assert link_limits.predict_effect(ada, 3).old == 2
