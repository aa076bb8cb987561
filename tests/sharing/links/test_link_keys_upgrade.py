"""The upgrade from one signing key for all writers of a storage to one for each holder: what ends and what goes on."""

from base64 import urlsafe_b64encode
from datetime import timedelta
from importlib import import_module

import pytest
from apify_client._utils.crypto import create_hmac_signature, create_storage_content_signature
from django.apps import apps
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.deployment import upgrade_notices
from accounts.models import Account, ApiToken
from resources.kinds import Kind
from resources.models import Resource
from resources.records import writing
from sharing import grants
from sharing.facts import load_facts
from sharing.links import link_limits, links, signing_keys
from sharing.links.link_states import load_key_holders
from sharing.models import Grant, SignedLink, StorageKey
from sharing.signatures import SignedContent, digest
from tests.support.link_keys import key_of
from tests.support.upgrade_stage import SECRET, upgraded

pytestmark = pytest.mark.django_db

OF_BEFORE = "sharing.migrations.0005_old_link_keys"


def before_holders(resource_id: str, secret: str | None = None, link_counter: int = 0) -> str:
    """Return the one key that a storage had, as the version of before derived it."""
    text = f"{resource_id}.{link_counter}"
    return salted_hmac("sharing.signatures", text, secret=secret, algorithm="sha256").hexdigest()


def old_key(storage: Resource) -> str:
    return before_holders(storage.pk, link_counter=storage.link_counter)


def upgrade() -> None:
    import_module(OF_BEFORE).keep_or_end(apps, None)


class Old:
    """What was signed for a store in the world of before: by a client, and two links that the console registered."""

    def __init__(self, api, store: Resource, by: Account) -> None:
        self.nobody, self.path = api(), f"/v2/key-value-stores/{store.pk}"
        writing.write(store.pk, "OUTPUT", [b"{}"], content_type="application/json")
        key, ends = old_key(store), timezone.now() + timedelta(days=9)
        self.by_client = [
            ("keys", create_storage_content_signature(store.pk, key)),
            ("keys", create_storage_content_signature(store.pk, key, expires_in=timedelta(days=1))),
            ("records/OUTPUT", create_hmac_signature(key, "OUTPUT")),
        ]
        milliseconds = int(ends.timestamp() * 1000)
        content = f"0.{milliseconds}.{create_hmac_signature(key, f'0.{milliseconds}.{store.pk}')}"
        own_key = salted_hmac("sharing.signatures.record", key, algorithm="sha256").hexdigest()
        message = f"r.{milliseconds}.{store.pk}.OUTPUT"
        record = f"r.{milliseconds}.{create_hmac_signature(own_key, message)}"
        self.registered = [
            ("keys", self._registered(store, by, content, ends, SignedContent.CONTENT)),
            ("records/OUTPUT", self._registered(store, by, record, ends, SignedContent.RECORD, "OUTPUT")),
        ]
        later = milliseconds + 1
        unregistered = f"r.{later}.{create_hmac_signature(own_key, f'r.{later}.{store.pk}.OUTPUT')}"
        self.on_no_list = [("records/OUTPUT", encoded(unregistered))]

    def _registered(self, store, by, text, ends, opens, record_key="") -> str:
        SignedLink.objects.create(
            resource=store,
            opens=opens.value,
            record_key=record_key,
            digest=digest(store.pk, record_key, opens, text),
            made_by=by,
            expires_at=ends,
        )
        return encoded(text)

    def statuses(self) -> tuple[set[int], set[int]]:
        """Return what nobody gets for what clients signed, and for registered links."""
        return self._status(self.by_client), self._status(self.registered)

    def _status(self, signatures) -> set[int]:
        return {
            self.nobody.get(f"{self.path}/{path}?signature={signature}").status_code for path, signature in signatures
        }


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.fixture
def store(ada, make_resource) -> Resource:
    return make_resource(Kind.KEY_VALUE_STORE, ada, name="prices", general_access="RESTRICTED")


def writes_now(give, store, ben):
    give(store, ben, "WRITE")


def wrote_once(give, store, ben):
    give(store, ben, "WRITE")
    grants.revoke(store, ben, by=store.owner.principal)


def was_demoted(give, store, ben):
    give(store, ben, "WRITE")
    give(store, ben, "READ")


def was_promoted_and_is_gone(give, store, ben):
    give(store, ben, "READ")
    give(store, ben, "READ", "WRITE")
    ben.delete()


def is_only_in_the_table(give, store, ben):
    """Even where the trail says nothing."""
    Grant.objects.create(
        resource=store, account=ben, permissions=3, resource_kind=store.kind, resource_created_at=store.created_at
    )


@pytest.mark.parametrize(
    "before", [writes_now, wrote_once, was_demoted, was_promoted_and_is_gone, is_only_in_the_table]
)
def test_where_others_could_ever_write_what_clients_signed_ends_and_the_owner_is_told(
    ada, ben, api, give, store, before
):
    old = Old(api, store, ada)
    before(give, store, ben)
    upgrade()
    assert old.statuses() == ({403}, {200})
    [notice] = upgrade_notices.unseen(ada.pk)
    assert "1 of your storages" in upgrade_notices.text(notice)
    assert "prices" in upgrade_notices.text(notice)
    [told] = upgrade_notices.unseen(upgrade_notices.ADMINISTRATOR)
    assert "1 storages of 1 accounts" in upgrade_notices.text(told)
    assert not upgrade_notices.unseen(ben.pk)
    assert not any(holder.is_old for holder in load_key_holders(load_facts(store, None)))


def test_where_only_the_owner_ever_wrote_all_goes_on_and_nobody_is_told(ada, ben, cleo, api, give, store):
    old = Old(api, store, ada)
    give(store, ben, "READ")
    give(store, cleo, "MANAGE_ACCESS_RIGHTS")
    upgrade()
    assert old.statuses() == ({200}, {200})
    assert not upgrade_notices.unseen(ada.pk)
    assert not upgrade_notices.unseen(upgrade_notices.ADMINISTRATOR)
    assert [holder.is_old for holder in load_key_holders(load_facts(store, None))] == [True]


def test_a_writer_of_after_the_upgrade_ends_nothing_and_gets_another_key(ada, ben, api, give, store):
    old = Old(api, store, ada)
    upgrade()
    give(store, ben, "WRITE")
    assert len({old_key(store), key_of(store, ben), key_of(store, ada)}) == 3
    assert old.statuses() == ({200}, {200})


def test_what_the_server_made_for_readers_and_put_on_no_list_ends(ada, api, store):
    """It named no holder, so it could not end with that reader's access."""
    old = Old(api, store, ada)
    upgrade()
    assert old._status(old.on_no_list) == {403}


def test_the_old_key_ends_as_all_keys_do(ada, api, store, make_resource):
    stores = [store, make_resource(Kind.KEY_VALUE_STORE, ada, general_access="RESTRICTED")]
    olds = [Old(api, each, ada) for each in stores]
    upgrade()
    links.revoke_all(store, by=ada.principal)
    assert not any(holder.is_old for holder in load_key_holders(load_facts(store, None)))
    assert [old.statuses() for old in olds] == [({403}, {403}), ({200}, {200})]
    ada.refresh_from_db()
    link_limits.set_cap(ada, 3650, by=ada.principal)
    assert [old.statuses() for old in olds] == [({403}, {403}), ({403}, {200})]
    assert not any(holder.is_old for each in stores for holder in load_key_holders(load_facts(each, None)))


def test_the_old_key_ends_with_the_account_of_its_owner(ada, api, store):
    old = Old(api, store, ada)
    upgrade()
    Account.objects.update(is_active=False)
    assert old.statuses() == ({403}, {403})


def test_the_old_key_holds_under_a_secret_from_before(ada, api, store, settings):
    old = Old(api, store, ada)
    upgrade()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new " * 9, [settings.SECRET_KEY]
    assert old.statuses() == ({200}, {200})


def test_what_is_made_after_the_upgrade_has_no_old_key(ada, api, make_resource):
    upgrade()
    later = make_resource(Kind.KEY_VALUE_STORE, ada, general_access="RESTRICTED")
    assert Old(api, later, ada).statuses()[0] == {403}


def test_an_old_key_takes_one_of_the_64_places(ada, api, store, make_resource):
    old = Old(api, store, ada)
    upgrade()
    for n in range(signing_keys.MOST + 2):
        token = ApiToken.objects.create(account=ada, name=f"{n}", digest=n.to_bytes(32), hint="x")
        StorageKey.objects.create(resource=store, account=ada, token_id=token.pk)
        facts = load_facts(store, None)
        found = signing_keys.load_given_keys(facts)
        assert len(signing_keys.candidates(facts, found)) <= signing_keys.MOST
        assert found.old
    key_of(store)
    assert StorageKey.objects.filter(resource=store).count() == signing_keys.MOST - 1
    assert old.statuses() == ({200}, {200})


OPENED = """
from datetime import datetime, UTC
from unittest.mock import patch
from django.test import Client
from resources.models import Resource
Resource.objects.update(general_access="RESTRICTED")
with patch("django.utils.timezone.now", return_value=datetime(2026, 12, 1, tzinfo=UTC)):
    for path in {paths!r}:
        print(Client(headers={{"Host": "localhost"}}).get(path).status_code)
"""


def test_the_links_of_november_after_the_upgrade(tmp_path):
    """Ben could write the dataset, and only read the store: both are Ada's."""
    with upgraded(tmp_path) as place:
        (dataset, of_dataset), (store, key, of_record) = place.known["links"]["content"], place.known["links"]["record"]
        by_client = {
            each: create_storage_content_signature(each, before_holders(each, SECRET)) for each in (dataset, store)
        }
        items, of_store = f"/v2/datasets/{dataset}/items", f"/v2/key-value-stores/{store}"
        known = place.known["links"]
        statuses = {
            f"{items}?signature={of_dataset}": "200",
            f"{items}?signature={known['of ben'][1]}": "200",
            f"{items}?signature={known['revoked'][1]}": "403",
            f"{items}?signature={by_client[dataset]}": "403",
            f"{of_store}/records/{key}?signature={of_record}": "200",
            f"{of_store}/records/{key}?signature={known['signed by a client'][2]}": "200",
            f"{of_store}/keys?signature={by_client[store]}": "200",
        }
        assert place.python(OPENED.format(paths=list(statuses))).split() == list(statuses.values())
        told = place.rows("accounts_upgradenotice", key="link-keys")
        assert len(told) >= 1
        assert place.rows("accounts_upgradenotice", key="link-keys-of-accounts", account_id="")
