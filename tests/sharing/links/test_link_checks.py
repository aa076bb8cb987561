"""What `manage.py check_data` finds in the rows of registered links."""

from datetime import timedelta
from typing import Any

import pytest

from console.data_checks import every_check
from resources.kinds import Kind
from sharing.facts import load_facts
from sharing.links import link_limits, links
from sharing.links.check_signature import verify
from sharing.models import RefusedSignature, SignedLink
from sharing.signatures import SignedContent, ValidSignature, current_fingerprint

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


@pytest.fixture
def store(ada, make_resource):
    return make_resource(Kind.KEY_VALUE_STORE, ada)


@pytest.fixture
def made(ada, ben, store, give) -> list[SignedLink]:
    """Two links of the owner and one of a user with whom the store is shared."""
    give(store, ben, "READ", "WRITE")
    return [
        links.create(store, SignedContent.CONTENT, WEEK, by=ada.principal)[0],
        links.create(store, SignedContent.RECORD, WEEK, by=ada.principal, record_key="a.ü/1")[0],
        links.create(store, SignedContent.CONTENT, WEEK, by=ben.principal)[0],
    ]


def wrong() -> list[str]:
    return [problem for check in every_check() if check.about == "registered links" for problem in check.problems()]


def test_links_are_right_after_counters_are_raised_and_whatever_became_of_them(ada, ben, store, made):
    assert {link.secret for link in made} == {current_fingerprint()}
    assert wrong() == []
    links.revoke(made[0], by=ada.principal)
    link_limits.set_cap(ada, 30, by=ada.principal)
    links.create(store, SignedContent.CONTENT, WEEK, by=ada.principal)
    links.revoke_all(store, by=ada.principal)
    links.create(store, SignedContent.CONTENT, WEEK, by=ada.principal)
    SignedLink.objects.update(secret="")
    assert wrong() == []


@pytest.mark.parametrize("end", [1_818_218_638_000, 1_818_218_638_392, 2_159_400_765_417])
def test_the_end_is_read_to_the_millisecond(ada, store, end, monkeypatch):
    monkeypatch.setattr(link_limits, "milliseconds", lambda moment: end)
    links.create(store, SignedContent.CONTENT, WEEK, by=ada.principal)
    monkeypatch.undo()
    assert wrong() == []


CHANGES: list[dict[str, Any]] = [
    {"digest": b"\x00" * 32},
    {"opens": "RECORD"},
    {"record_key": "other"},
    {"expires_at": "2031-01-01T00:00:00Z"},
]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_a_row_that_was_changed_is_named(store, made, change, known):
    changed = made[0]
    SignedLink.objects.filter(pk=changed.pk).update(**change, **({} if known else {"secret": ""}))
    assert wrong() == [f"Link {changed.pk} to {store.pk}: its digest is not that of what its row says."]


def test_another_maker_and_another_storage_are_found(ada, ben, store, made, make_resource):
    SignedLink.objects.filter(pk=made[0].pk).update(made_by=ben)
    other = make_resource(Kind.KEY_VALUE_STORE, ada)
    SignedLink.objects.filter(pk=made[1].pk).update(resource=other)
    assert sorted(each.split(":")[0] for each in wrong()) == sorted(
        [f"Link {made[0].pk} to {store.pk}", f"Link {made[1].pk} to {other.pk}"]
    )


def test_a_link_of_a_maker_who_is_gone_is_not_called_wrong(ben, made):
    ben.delete()
    assert SignedLink.objects.filter(made_by=None).count() == 1
    assert wrong() == []


def test_a_link_is_checked_with_its_secret_and_not_once_that_is_forgotten(ada, store, made, settings):
    before = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another secret " * 4, [before]
    links.create(store, SignedContent.CONTENT, WEEK, by=ada.principal)
    assert wrong() == []
    SignedLink.objects.filter(pk=made[0].pk).update(secret=current_fingerprint())
    assert [each.split(" ")[1] for each in wrong()] == [made[0].pk]
    SignedLink.objects.filter(pk=made[0].pk).update(secret=made[0].secret)
    settings.SECRET_KEY_FALLBACKS = []
    assert wrong() == []


def test_a_refused_signature_that_was_cut_off_is_named(ada, store):
    refused = ValidSignature(SignedContent.CONTENT, "text")
    link_limits.refuse(b"d" * 32, refused, load_facts(store, ada.pk))
    assert wrong() == []
    RefusedSignature.objects.update(digest=b"d" * 31)
    (row,) = RefusedSignature.objects.all()
    assert wrong() == [f"Refused signature {row.pk} of {store.pk}: what is kept of it is no digest."]


def test_a_revoked_link_whose_digest_was_changed_would_open_and_so_it_is_checked(ada, store):
    link, signature = links.create(store, SignedContent.CONTENT, WEEK, by=ada.principal)
    links.revoke(link, by=ada.principal)
    facts = load_facts(store, ada.pk)
    assert verify(signature, facts, SignedContent.CONTENT) is None
    SignedLink.objects.update(digest=b"\x00" * 32)
    assert verify(signature, facts, SignedContent.CONTENT) is not None
    assert len(wrong()) == 1
