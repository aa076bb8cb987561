"""Pre-signed URLs by real requests: what they do not open, then what they do."""

import base64
from datetime import timedelta

import pytest
from apify_client._utils.crypto import create_storage_content_signature
from django.utils import timezone

from accounts.models import AuditEvent
from resources.datasets.writing import push
from resources.kinds import Kind
from sharing import general_access, grants
from sharing.links import links
from sharing.permissions import Permission
from sharing.signatures import SignedContent, mac, sign_content
from tests.support.link_keys import key_of

FOURTEEN_DAYS = timedelta(days=14)
KEY = "urlSigningSecretKey"


@pytest.fixture
def dataset(ada, make_resource):
    dataset = make_resource(Kind.DATASET, ada, general_access="RESTRICTED")
    push(dataset.pk, b'[{"price": 1}]')
    return dataset


@pytest.fixture
def status(api, dataset):
    """Return what nobody gets from the dataset's items with a signature."""

    def get(signature: str, resource=dataset) -> int:
        return api().get(f"/v2/datasets/{resource.pk}/items", {"signature": signature}).status_code

    return get


def made(dataset, by, lifetime=FOURTEEN_DAYS):
    return links.create(dataset, SignedContent.CONTENT, lifetime, by=by.principal)


@pytest.mark.parametrize("signature", ["", "x", "MC4wLg", "\x00", "é", "a" * 5000])
def test_what_is_no_signature_is_refused_like_none(status, signature):
    assert status(signature) == 403


def test_a_signature_of_another_resource_opens_nothing(status, ada, dataset, make_resource):
    other = make_resource(Kind.DATASET, ada, general_access="RESTRICTED")
    assert status(sign_content(key_of(other), other.pk, 0)) == 403
    assert status(sign_content(key_of(other), dataset.pk, 0)) == 403
    assert status(sign_content(key_of(dataset), other.pk, 0)) == 403


def test_a_signature_opens_nothing_but_the_content(api, dataset):
    signature = sign_content(key_of(dataset), dataset.pk, 0)
    nobody, at = api(), f"/v2/datasets/{dataset.pk}"
    assert nobody.get(at, {"signature": signature}).status_code == 403
    assert nobody.get(f"{at}/statistics", {"signature": signature}).status_code == 403
    assert nobody.get(f"{at}/access-rights", {"signature": signature}).status_code == 401
    assert nobody.post(f"{at}/items?signature={signature}", "[]", content_type="application/json").status_code == 401
    assert nobody.delete(f"{at}?signature={signature}").status_code == 401


def test_a_bad_token_is_refused_although_the_signature_is_right(dataset, client):
    signature = sign_content(key_of(dataset), dataset.pk, 0)
    url = f"/v2/datasets/{dataset.pk}/items?signature={signature}"
    assert client.get(url, headers={"Authorization": "Bearer nobody"}).status_code == 401


def test_right_padded_or_not_and_expired(status, dataset):
    signature = sign_content(key_of(dataset), dataset.pk, 0)
    assert status(signature) == 200
    assert status(signature + "=" * (-len(signature) % 4)) == 200
    assert status(signature[:-2]) == 403
    assert status(sign_content(key_of(dataset), dataset.pk, 1_000_000)) == 403


def test_what_the_official_client_signs_with_the_key_of_a_writer(api, ada, ben, cleo, dataset, status):
    grants.grant(dataset, ben, Permission.WRITE, by=ada.principal)
    grants.grant(dataset, cleo, Permission.READ, by=ada.principal)
    answer = api(ben).get(f"/v2/datasets/{dataset.pk}").json()["data"]
    assert "urlSigningSecretKey" not in api(cleo).get(f"/v2/datasets/{dataset.pk}").json()["data"]
    signature = create_storage_content_signature(
        dataset.pk, answer["urlSigningSecretKey"], expires_in=timedelta(minutes=5)
    )
    assert status(signature) == 200


def test_the_public_url_is_signed_only_for_those_who_were_given_access(api, ada, cleo, dataset):
    signed = api(ada).get(f"/v2/datasets/{dataset.pk}").json()["data"]["itemsPublicUrl"]
    assert api().get(signed).status_code == 200
    general_access.set_for_resource(dataset, "ANYONE_WITH_ID_CAN_READ", by=ada.principal)
    for stranger in (api(), api(cleo)):
        plain = stranger.get(f"/v2/datasets/{dataset.pk}").json()["data"]["itemsPublicUrl"]
        assert api().get(plain).status_code == 200
        assert "signature" not in plain


def test_a_link_lasts_its_time_and_is_counted(status, ada, dataset):
    link, signature = made(dataset, ada)
    assert [status(signature), status(signature)] == [200, 200]
    links.uses.flush()
    link.refresh_from_db()
    assert link.use_count == 2
    assert link.last_used_at is not None
    assert timedelta(days=13) < link.expires_at - link.created_at <= timedelta(days=14, seconds=1)


def test_a_link_is_revoked_alone_and_at_once(status, ada, dataset):
    (one, signature_of_one), (_, signature_of_other) = made(dataset, ada), made(dataset, ada)
    assert signature_of_one != signature_of_other
    links.revoke(one, by=ada.principal)
    assert [status(signature_of_one), status(signature_of_other)] == [403, 200]
    assert list(AuditEvent.objects.filter(action="link.revoked").values_list("actor_id", flat=True)) == [ada.pk]


def test_turning_the_key_ends_every_signature(status, ada, dataset):
    _, registered = made(dataset, ada)
    by_client = sign_content(key_of(dataset), dataset.pk, 0)
    links.revoke_all(dataset, by=ada.principal)
    assert [status(registered), status(by_client)] == [403, 403]
    assert status(sign_content(key_of(dataset), dataset.pk, 0)) == 200


def test_a_registered_link_dies_with_the_access_of_its_maker(status, ada, ben, dataset):
    links.set_reader_links(ada, True, by=ada.principal)
    grants.grant(dataset, ben, Permission.READ, by=ada.principal)
    _, signature = made(dataset, ben)
    assert status(signature) == 200
    grants.revoke(dataset, ben, by=ada.principal)
    assert status(signature) == 403
    grants.grant(dataset, ben, Permission.READ, by=ada.principal)
    assert status(signature) == 200


def test_the_cap_of_an_account_is_checked_at_use(status, ada, dataset):
    key, now = key_of(dataset), int(timezone.now().timestamp() * 1000)
    day = 24 * 60 * 60 * 1000
    _, registered = made(dataset, ada, timedelta(days=10))
    for_ever, short = sign_content(key, dataset.pk, 0), sign_content(key, dataset.pk, now + day)
    type(ada).objects.filter(pk=ada.pk).update(link_days=7)
    assert [status(registered), status(for_ever), status(short)] == [403, 403, 200]
    with pytest.raises(links.LinkRefused, match="7 days"):
        made(dataset, ada, timedelta(days=8))


def test_a_message_serves_one_purpose_only(status, dataset):
    """What a record's signature would be for a key that spells a content message is no content signature."""
    forged = base64.urlsafe_b64encode(f"0.0.{mac(key_of(dataset), f'0.0.{dataset.pk}')}".encode()).decode()
    assert status(forged) == 200  # it is the content signature itself: whoever may sign records must not get it
    assert status(mac(key_of(dataset), f"0.0.{dataset.pk}")) == 403


@pytest.fixture
def store(ada, make_resource, api):
    store = make_resource(Kind.KEY_VALUE_STORE, ada, general_access="RESTRICTED")
    for key in ("OUTPUT", "INPUT"):
        api(ada).put(f"/v2/key-value-stores/{store.pk}/records/{key}", b"content", content_type="text/plain")
    return store


def public_urls(client, store) -> dict[str, str]:
    items = client.get(f"/v2/key-value-stores/{store.pk}/keys").json()["data"]["items"]
    return {item["key"]: item["recordPublicUrl"] for item in items}


def test_the_public_url_of_a_record_opens_that_record_alone(api, ada, ben, store):
    grants.grant(store, ben, Permission.READ, by=ada.principal)
    links.set_reader_links(ada, True, by=ada.principal)
    for reader in (ada, ben):
        urls = public_urls(api(reader), store)
        assert api().get(urls["OUTPUT"]).content == b"content"
        assert api().get(urls["OUTPUT"].replace("OUTPUT", "INPUT")).status_code == 403
    links.revoke_all(store, by=ada.principal)
    assert api().get(urls["OUTPUT"]).status_code == 403


def test_what_the_server_signs_is_not_what_a_client_signs(api, ada, ben, store):
    """A link to a record that the server makes ends with its holder's access, so it is never a client's signature."""
    grants.grant(store, ben, Permission.WRITE, by=ada.principal)
    for account in (ada, ben):
        by_client = mac(api(account).get(f"/v2/key-value-stores/{store.pk}").json()["data"][KEY], "OUTPUT")
        assert by_client not in public_urls(api(account), store)["OUTPUT"]
        url = f"/v2/key-value-stores/{store.pk}/records/OUTPUT?signature={by_client}"
        assert api().get(url).status_code == 200


def test_whoever_reads_by_the_link_or_a_signature_gets_no_signature(api, ada, cleo, store):
    signed = api(ada).get(f"/v2/key-value-stores/{store.pk}").json()["data"]["keysPublicUrl"]
    listed = api().get(signed).json()["data"]["items"]
    assert len(listed) == 2
    assert not any("signature" in item["recordPublicUrl"] for item in listed)
    general_access.set_for_resource(store, "ANYONE_WITH_ID_CAN_READ", by=ada.principal)
    assert "signature" not in public_urls(api(cleo), store)["OUTPUT"]
