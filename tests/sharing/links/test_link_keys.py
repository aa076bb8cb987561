"""Keys of pre-signed URLs: a signature ends with the access of its maker. What is refused, then what opens.

What clients sign is signed here by the official client's own code, with the key that the API gives to each holder.
"""

import base64
from datetime import timedelta

import pytest
from apify_client._utils.crypto import create_hmac_signature, create_storage_content_signature
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import tokens
from accounts.models import Account, ApiToken, AuditEvent
from accounts.principal import Principal, RunIdentity
from resources.kinds import KINDS, STORAGES, Kind
from resources.models import Resource
from resources.records import writing
from sharing import general_access, grants, signatures
from sharing.facts import load_facts
from sharing.links import link_limits, links, signing_keys
from sharing.models import Grant, StorageKey
from sharing.permissions import Permission
from sharing.signatures import SignedContent
from tests.support.link_keys import access_of, key_of

pytestmark = pytest.mark.django_db

CONTENT = {Kind.DATASET: "items", Kind.KEY_VALUE_STORE: "keys", Kind.REQUEST_QUEUE: "requests"}
FIELDS = {Kind.DATASET: "itemsPublicUrl", Kind.KEY_VALUE_STORE: "keysPublicUrl"}
KEY = "urlSigningSecretKey"
DAY = 24 * 60 * 60 * 1000


@pytest.fixture
def store(ada, make_resource) -> Resource:
    """Ada's Restricted key-value store with one record."""
    store = make_resource(Kind.KEY_VALUE_STORE, ada, general_access="RESTRICTED")
    writing.write(store.pk, "OUTPUT", [b"{}"], content_type="application/json")
    return store


def path_of(storage: Resource) -> str:
    return f"/v2/{KINDS[Kind(storage.kind)].api_path}/{storage.pk}"


class Signed:
    """All that one holder can sign of a storage: by its client, and what the server signs for it."""

    def __init__(self, client, storage: Resource) -> None:
        self.kind, self.path = Kind(storage.kind), path_of(storage)
        seen = client.get(self.path).json()["data"]
        self.key = seen.get(KEY)
        content = f"{self.path}/{CONTENT[self.kind]}"
        self.by_client, self.by_server = [], []
        if self.key:
            for lifetime in (None, timedelta(days=1)):
                signature = create_storage_content_signature(storage.pk, self.key, expires_in=lifetime)
                self.by_client.append(f"{content}?signature={signature}")
        if self.kind is Kind.KEY_VALUE_STORE:
            if self.key:
                self.by_client.append(
                    f"{self.path}/records/OUTPUT?signature={create_hmac_signature(self.key, 'OUTPUT')}"
                )
            [record] = client.get(content).json()["data"]["items"]
            self.by_server.append(record["recordPublicUrl"])
        if self.kind in FIELDS:
            self.by_server.append(seen[FIELDS[self.kind]])

    def statuses(self, nobody) -> tuple[set[int], set[int]]:
        """Return what nobody gets for what the client and what the server signed."""
        return (
            {nobody.get(url).status_code for url in self.by_client},
            {nobody.get(url).status_code for url in self.by_server if "signature=" in url},
        )


@pytest.fixture
def signed(api):
    """Return what an account can sign of a storage, with a token that is made for it: `signed(ben, store)`."""
    return lambda account, storage, **token: Signed(api(account, **token), storage)


# What ends what was signed.


def revoke_access(ada, ben, store):
    grants.revoke(store, ben, by=ada.principal)


def end_access(ada, ben, store):
    Grant.objects.update(expires_at=timezone.now())


def deactivate(ada, ben, store):
    Account.objects.filter(pk=ben.pk).update(is_active=False)


def delete(ada, ben, store):
    ben.delete()


def revoke_token(ada, ben, store):
    tokens.revoke(ApiToken.objects.get(account=ben), by=ben.principal)


def expire_token(ada, ben, store):
    ApiToken.objects.filter(account=ben).update(expires_at=timezone.now() - timedelta(seconds=1))


def narrow_scope(ada, ben, store):
    ApiToken.objects.filter(account=ben).update(scope=[{"kind": "dataset", "permissions": ["READ", "WRITE"]}])


def raise_the_storages_counter(ada, ben, store):
    links.revoke_all(store, by=ada.principal)


def raise_the_owners_counter(ada, ben, store):
    link_limits.set_cap(ada, 3650, by=ada.principal)


ENDS = (
    revoke_access,
    end_access,
    deactivate,
    delete,
    revoke_token,
    expire_token,
    narrow_scope,
    raise_the_storages_counter,
    raise_the_owners_counter,
)


@pytest.mark.parametrize("end", ENDS)
def test_what_a_holder_signed_ends_with_its_access(ada, ben, api, store, signed, give, end):
    give(store, ben, "WRITE")
    of_ben, of_ada = signed(ben, store), signed(ada, store)
    assert of_ben.statuses(api()) == of_ada.statuses(api()) == ({200}, {200})
    end(ada, ben, store)
    assert of_ben.statuses(api()) == ({403}, {403})
    of_all = end in (raise_the_storages_counter, raise_the_owners_counter)
    assert of_ada.statuses(api()) == (({403}, {403}) if of_all else ({200}, {200}))


def test_from_write_to_read_ends_the_key_and_not_what_the_server_signed(ada, ben, api, store, signed, give):
    give(store, ben, "WRITE")
    of_ben = signed(ben, store)
    give(store, ben, "READ")
    assert of_ben.statuses(api()) == ({403}, {200})
    assert KEY not in api(ben).get(path_of(store)).json()["data"]


def test_a_scope_that_may_only_read_ends_the_key_and_not_what_the_server_signed(ada, ben, api, store, signed, give):
    give(store, ben, "WRITE")
    of_ben = signed(ben, store)
    ApiToken.objects.filter(account=ben).update(scope=[{"kind": store.kind, "permissions": ["READ"]}])
    assert of_ben.statuses(api()) == ({403}, {200})


def test_each_token_is_a_holder_of_its_own(ada, api, store, signed):
    one, other = signed(ada, store), signed(ada, store)
    assert one.key != other.key
    tokens.revoke(ApiToken.objects.order_by("created_at").first(), by=ada.principal)
    assert one.statuses(api()) == ({403}, {403})
    assert other.statuses(api()) == ({200}, {200})


@pytest.mark.parametrize("kind", STORAGES)
def test_what_is_closed_later_still_opens_for_the_owner(ada, ben, api, signed, give, make_resource, kind):
    storage = make_resource(kind, ada, general_access="ANYONE_WITH_ID_CAN_READ")
    if kind is Kind.KEY_VALUE_STORE:
        writing.write(storage.pk, "OUTPUT", [b"{}"], content_type="application/json")
    of_ada = signed(ada, storage)
    general_access.set_for_resource(storage, "RESTRICTED", by=ada.principal)
    assert of_ada.statuses(api()) in (({200}, {200}), ({200}, set()))


def test_access_that_comes_back_brings_back_what_was_signed(ada, ben, api, store, signed, give):
    give(store, ben, "WRITE")
    of_ben = signed(ben, store)
    grants.revoke(store, ben, by=ada.principal)
    give(store, ben, "WRITE")
    assert of_ben.statuses(api()) == ({200}, {200})


def test_a_key_that_was_never_given_signs_nothing(ada, api, store):
    """Not even the right one: only the keys of holders who asked for theirs are tried."""
    key = key_of(store)
    url = f"{path_of(store)}/keys?signature={create_storage_content_signature(store.pk, key)}"
    assert api().get(url).status_code == 200
    StorageKey.objects.all().delete()
    assert api().get(url).status_code == 403


# Who gets a key, and who can make links.


def test_only_who_holds_write_gets_a_key(ada, ben, cleo, api, store, give):
    give(store, ben, "READ")
    give(store, cleo, "MANAGE_ACCESS_RIGHTS")
    assert KEY in api(ada).get(path_of(store)).json()["data"]
    for account in (ben, cleo):
        assert KEY not in api(account).get(path_of(store)).json()["data"]
    reading = [{"kind": store.kind, "permissions": ["READ"]}]
    assert KEY not in api(ada, scope=reading).get(path_of(store)).json()["data"]


def test_a_run_of_another_accounts_actor_gets_keys_of_its_own_default_storages_only(ada, dan, store, make_resource):
    actor = make_resource(Kind.ACTOR, dan)
    run = make_resource(Kind.RUN, ada, actor=actor)
    other_run = make_resource(Kind.RUN, ada, actor=actor)
    own = make_resource(Kind.KEY_VALUE_STORE, ada, run=run)
    others = [store, make_resource(Kind.DATASET, ada, run=other_run), make_resource(Kind.DATASET, ada, name="all")]
    theirs = Principal(ada.pk, "ada", run=RunIdentity(run.pk, True, ""))
    mine = Principal(ada.pk, "ada", run=RunIdentity(run.pk, False, ""))
    for storage in others:
        assert signing_keys.give_key(access_of(storage, theirs)) is None
        assert links.link_refusal(access_of(storage, theirs)) is links.LinkRefusal.OTHERS_RUN
        assert signing_keys.give_key(access_of(storage, mine)) == key_of(storage)
        assert links.link_refusal(access_of(storage, mine)) is None
    assert signing_keys.give_key(access_of(own, theirs)) == key_of(own)
    assert links.link_refusal(access_of(own, theirs)) is None


def test_a_run_has_the_holder_that_started_it(ada, store, token_of, make_resource):
    token_of(ada)
    token = ApiToken.objects.get()
    run = make_resource(Kind.RUN, ada)
    by_token = Principal(ada.pk, "ada", token_id="r" * 17, run=RunIdentity(run.pk, False, token.pk))
    by_account = Principal(ada.pk, "ada", token_id="r" * 17, run=RunIdentity(run.pk, False, ""))
    assert key_of(store, by_token) == key_of(store, Principal(ada.pk, "ada", token_id=token.pk))
    assert key_of(store, by_account) == key_of(store, ada) != key_of(store, by_token)
    assert StorageKey.objects.count() == 2


@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize("level", ["RESTRICTED", "ANYONE_WITH_ID_CAN_READ", "FOLLOW_USER_SETTING"])
def test_a_user_who_may_only_read_makes_links_where_it_is_open_or_the_owner_allows_it(
    ada, ben, api, store, signed, give, level, allowed
):
    general_access.set_for_account(ada, "RESTRICTED", by=ada.principal)
    Resource.objects.update(general_access=level)
    links.set_reader_links(ada, allowed, by=ada.principal)
    give(store, ben, "READ")
    of_ben = signed(ben, store)
    may = allowed or level == "ANYONE_WITH_ID_CAN_READ"
    assert ["signature=" in url for url in of_ben.by_server] == [may, may]
    Resource.objects.update(general_access="RESTRICTED")
    links.set_reader_links(ada, False, by=ada.principal)
    assert of_ben.statuses(api()) == (set(), {200} if may else set())  # what was made goes on
    grants.revoke(store, ben, by=ada.principal)
    assert of_ben.statuses(api()) == (set(), {403} if may else set())


@pytest.mark.parametrize("permission", ["WRITE", "MANAGE_ACCESS_RIGHTS"])
def test_a_user_who_may_do_more_than_read_makes_links(ada, ben, api, store, signed, give, permission):
    give(store, ben, permission)
    assert signed(ben, store).statuses(api())[1] == {200}


def test_whoever_reads_by_its_id_alone_makes_no_link(ada, cleo, api, store, signed):
    Resource.objects.update(general_access="ANYONE_WITH_ID_CAN_READ")
    links.set_reader_links(ada, True, by=ada.principal)
    assert not any("signature=" in url for url in signed(cleo, store).by_server)


def test_a_link_of_a_reader_needs_an_explicit_rule_not_an_open_door(ada, ben, api, store, signed, give):
    Resource.objects.update(general_access="ANYONE_WITH_ID_CAN_READ")
    give(store, ben, "READ")
    _, registered = links.create(store, SignedContent.CONTENT, timedelta(days=1), by=ben.principal)
    grants.revoke(store, ben, by=ada.principal)
    Resource.objects.update(general_access="RESTRICTED")
    assert api().get(f"{path_of(store)}/keys?signature={registered}").status_code == 403


def test_a_reader_of_the_run_makes_links_to_its_default_storages(ada, ben, api, signed, give, make_resource):
    """Rule 8: the holder reads by the run, and the link ends when the run is not shared any more."""
    run = make_resource(Kind.RUN, ada)
    dataset = make_resource(Kind.DATASET, ada, run=run)
    give(run, ben)
    of_ben = signed(ben, dataset)
    general_access.set_for_account(ada, "RESTRICTED", by=ada.principal)
    assert of_ben.statuses(api()) == (set(), {200})
    grants.revoke(run, ben, by=ada.principal)
    assert of_ben.statuses(api()) == (set(), {403})


def test_the_servers_links_last_14_days_or_as_long_as_the_cap(ada, api, store, signed):
    def left(url: str) -> float:
        payload = base64.urlsafe_b64decode(url.partition("signature=")[2] + "==").decode()
        return (int(payload.split(".")[1]) - timezone.now().timestamp() * 1000) / DAY

    assert all(13.9 < left(url) <= 14 for url in signed(ada, store).by_server)
    link_limits.set_cap(ada, 3, by=ada.principal)
    assert all(2.9 < left(url) <= 3 for url in signed(ada, store).by_server)
    assert signed(ada, store).statuses(api())[1] == {200}


# What the server remembers.


def test_the_server_keeps_who_was_given_a_key_once_and_counts_it_again_after_some_minutes(ada, api, store):
    client = api(ada)
    for _ in range(3):
        client.get(path_of(store))
    row = StorageKey.objects.get()
    signing_keys.uses.flush()
    row.refresh_from_db()
    assert row.used_at == row.given_at
    long_ago = timezone.now() - signing_keys.FRESH * 2
    StorageKey.objects.update(used_at=long_ago)
    client.get(path_of(store))
    signing_keys.uses.flush()
    row.refresh_from_db()
    assert row.used_at > long_ago


def test_giving_a_key_again_takes_no_statement_and_no_write(ada, api, store):
    client = api(ada)
    client.get(path_of(store))
    for address in (path_of(store), f"{path_of(store)}/keys"):
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        assert len(queries) == (2 if address == path_of(store) else 3)
        assert all(query["sql"].startswith("SELECT") or "SELECT" in query["sql"][:12] for query in queries)


def holders(account: Account, count: int) -> list[Principal]:
    made = [
        ApiToken.objects.create(account=account, name=f"token {n}", digest=n.to_bytes(32), hint="x")
        for n in range(count)
    ]
    return [Principal(account.pk, account.username, token_id=token.pk) for token in made]


def test_the_least_recently_used_of_64_holders_makes_room_and_the_owner_is_told(ada, ben, api, store, give):
    give(store, ben, "WRITE")
    principals = holders(ben, signing_keys.MOST + 1)
    urls = []
    for n, principal in enumerate(principals[: signing_keys.MOST]):
        key = key_of(store, principal)
        urls.append(f"{path_of(store)}/keys?signature={create_storage_content_signature(store.pk, key)}")
        StorageKey.objects.filter(token_id=principal.token_id).update(
            used_at=timezone.now() - timedelta(days=1) + timedelta(seconds=n)
        )
    assert {api().get(url).status_code for url in urls} == {200}
    signing_keys.uses.flush()
    StorageKey.objects.filter(token_id=principals[5].token_id).update(used_at=timezone.now() - timedelta(days=2))
    key_of(store, principals[signing_keys.MOST])
    assert StorageKey.objects.count() == signing_keys.MOST
    assert [api().get(url).status_code for url in urls].index(403) == 5
    assert [api().get(url).status_code for url in urls].count(403) == 1
    event = AuditEvent.objects.get(action="link.key_forgotten")
    assert (event.account_id, event.details["holder"]) == (ada.pk, {"username": "ben", "token": "token 5"})


def test_a_holder_without_write_makes_room_without_a_word(ada, ben, store, give):
    give(store, ben, "WRITE")
    principals = holders(ben, 1) + holders(ada, 0)
    key_of(store, principals[0])
    tokens.revoke(ApiToken.objects.get(pk=principals[0].token_id), by=ben.principal)
    StorageKey.objects.update(used_at=timezone.now() - timedelta(days=1))
    for n in range(signing_keys.MOST):
        token = ApiToken.objects.create(account=ada, name=f"{n}", digest=(1000 + n).to_bytes(32), hint="x")
        key_of(store, Principal(ada.pk, "ada", token_id=token.pk))
    assert not StorageKey.objects.filter(token_id=principals[0].token_id).exists()
    assert not AuditEvent.objects.filter(action="link.key_forgotten").exists()


def test_what_opened_something_is_used(ada, api, store, django_assert_num_queries):
    """So that a key whose links are opened every day does not make room for one that is never used."""
    principals = holders(ada, 3)
    found = {each.token_id: key_of(store, each) for each in principals}
    long_ago = timezone.now() - timedelta(days=9)
    StorageKey.objects.update(used_at=long_ago)
    signature = create_storage_content_signature(store.pk, found[principals[1].token_id])
    assert api().get(f"{path_of(store)}/keys?signature={signature}").status_code == 200
    signing_keys.uses.flush()
    assert list(StorageKey.objects.exclude(used_at=long_ago).values_list("token_id", flat=True)) == [
        principals[1].token_id
    ]


@pytest.mark.parametrize("count", [0, 1, 64])
def test_checking_a_signature_takes_one_statement_for_all_keys(ada, api, store, count, django_assert_num_queries):
    for principal in holders(ada, count):
        key_of(store, principal)
    forged = create_storage_content_signature(store.pk, "f" * 64)
    # The resource with its facts, what is known of the signature, and the keys.
    with django_assert_num_queries(3):
        assert api().get(f"{path_of(store)}/keys?signature={forged}").status_code == 403
    for junk in ("x", "\x00", "é", "MC4wLg", "a" * 5000):
        with django_assert_num_queries(1):
            assert api().get(f"{path_of(store)}/keys", {"signature": junk}).status_code == 403


def test_all_candidates_are_compared_whichever_is_right(ada, api, store, monkeypatch):
    """The place of the right key, or that there is none, does not show in how much is computed."""
    principals = holders(ada, 10)
    found = [key_of(store, each) for each in principals]
    compared: list[int] = []

    def counting(one, other, real=signing_keys.candidates):
        tried = real(one, other)
        compared.append(len(tried))
        return tried

    monkeypatch.setattr("sharing.links.check_signature.signing_keys.candidates", counting)
    made = []
    real_digest = __import__("hmac").digest

    def digest(*arguments):
        made[-1] += 1
        return real_digest(*arguments)

    monkeypatch.setattr("sharing.signatures.hmac.digest", digest)
    for key in (found[0], found[-1], "f" * 64):
        made.append(0)
        api().get(f"{path_of(store)}/keys?signature={create_storage_content_signature(store.pk, key)}")
    assert set(compared) == {10}
    assert len(set(made)) == 1


def test_an_account_with_many_tokens_ends_no_links_of_others(ada, ben, cleo, api, store, give):
    """A collaborator that reads the storage with a hundred tokens makes room for itself."""
    give(store, ben, "WRITE")
    give(store, cleo, "WRITE")
    others = [create_storage_content_signature(store.pk, key_of(store, each)) for each in (ada, cleo)]
    StorageKey.objects.update(used_at=timezone.now() - timedelta(days=9))
    for principal in holders(ben, signing_keys.MOST + 36):
        key_of(store, principal)
    assert StorageKey.objects.count() == signing_keys.MOST
    assert [api().get(f"{path_of(store)}/keys?signature={each}").status_code for each in others] == [200, 200]
    assert set(AuditEvent.objects.filter(action="link.key_forgotten").values_list("details__holder__username")) == {
        ("ben",)
    }


def test_the_owner_keeps_its_last_key_among_64_accounts_with_one_each(ada, store, make_account, give):
    key_of(store, ada)
    StorageKey.objects.update(used_at=timezone.now() - timedelta(days=9))
    made = [make_account(f"user{n}") for n in range(signing_keys.MOST)]
    for account in made:
        give(store, account, "WRITE")
        key_of(store, account)
    assert StorageKey.objects.count() == signing_keys.MOST
    assert set(StorageKey.objects.values_list("account_id", flat=True)) == {ada.pk, *(each.pk for each in made[1:])}


def test_a_key_that_opens_nothing_makes_room_before_one_that_is_used_less(ada, ben, cleo, store, give):
    give(store, ben, "WRITE")
    give(store, cleo, "WRITE")
    for principal in holders(ada, signing_keys.MOST - 2):
        key_of(store, principal)
    key_of(store, cleo)
    StorageKey.objects.update(used_at=timezone.now() - timedelta(days=9))
    key_of(store, ben)
    grants.revoke(store, ben, by=ada.principal)
    key_of(store, ada)
    assert StorageKey.objects.count() == signing_keys.MOST
    assert not StorageKey.objects.filter(account=ben).exists()
    assert not AuditEvent.objects.filter(action="link.key_forgotten").exists()


# Secrets that were turned.


@pytest.mark.parametrize("fallbacks", [0, 1, 5])
def test_a_signature_costs_64_attempts_whatever_the_number_of_secrets(
    ada, api, store, settings, monkeypatch, fallbacks
):
    for principal in holders(ada, signing_keys.MOST - fallbacks):
        key_of(store, principal)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY, *(f"another {n}" for n in range(fallbacks))][:fallbacks]
    settings.SECRET_KEY = "a new secret " * 4 if fallbacks else settings.SECRET_KEY
    for token in ApiToken.objects.all()[:fallbacks]:
        key_of(store, Principal(ada.pk, ada.username, token_id=token.pk))
    assert StorageKey.objects.count() == signing_keys.MOST
    attempts = []
    real = signatures._mac_bytes
    monkeypatch.setattr(signatures, "_mac_bytes", lambda *given: attempts.append(given) or real(*given))
    forged = create_storage_content_signature(store.pk, "f" * 64)
    assert api().get(f"{path_of(store)}/keys?signature={forged}").status_code == 403
    assert len(attempts) == signing_keys.MOST


def test_a_key_that_is_read_again_after_the_secret_was_turned_holds_and_so_does_the_one_before(
    ada, api, store, signed, settings
):
    before = signed(ada, store)
    row = StorageKey.objects.get()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new secret " * 4, [settings.SECRET_KEY]
    key = key_of(store, Principal(ada.pk, ada.username, token_id=row.token_id))
    assert key != before.key
    after = f"{path_of(store)}/keys?signature={create_storage_content_signature(store.pk, key)}"
    assert before.statuses(api()) == ({200}, {200})
    assert api().get(after).status_code == 200
    assert len(signing_keys.load_holdings(load_facts(store, None))[0]) == 1  # one holder, with two keys
    settings.SECRET_KEY_FALLBACKS = []
    assert before.statuses(api()) == ({403}, {403})
    assert api().get(after).status_code == 200


def test_a_key_of_a_secret_that_was_dropped_makes_room_without_a_word(ada, store, settings):
    key_of(store, ada)
    dropped = StorageKey.objects.get().pk
    settings.SECRET_KEY = "a new secret " * 4
    for principal in holders(ada, signing_keys.MOST):
        key_of(store, principal)
    assert StorageKey.objects.count() == signing_keys.MOST
    assert not StorageKey.objects.filter(pk=dropped).exists()
    assert not AuditEvent.objects.filter(action="link.key_forgotten").exists()


def test_what_was_signed_under_a_secret_from_before_still_opens(ada, api, store, signed, settings):
    before = signed(ada, store)
    secret = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new secret " * 4, []
    assert before.statuses(api()) == ({403}, {403})
    settings.SECRET_KEY_FALLBACKS = ["another", secret]
    assert before.statuses(api()) == ({200}, {200})
    after = signed(ada, store)
    assert after.statuses(api()) == ({200}, {200})
    assert after.key != before.key


# One message serves one purpose.


@pytest.mark.parametrize("version", ["0", "h", "r", "1", ""])
def test_a_record_key_that_spells_a_content_message_opens_nothing(ada, api, store, version):
    key = key_of(store)
    name = f"{version}.0.{store.pk}"
    code = create_hmac_signature(key, name)
    with pytest.raises(links.LinkRefused):
        links.create(store, SignedContent.RECORD, timedelta(days=1), by=ada.principal, record_key=name)
    assert api().get(f"{path_of(store)}/records/{name}?signature={code}").status_code == 403
    for form in (code, base64.urlsafe_b64encode(f"{version}.0.{code}".encode()).decode()):
        opened = api().get(f"{path_of(store)}/keys?signature={form}").status_code
        # The client that holds the key may sign the content by its own format, and by no other.
        assert opened == (200 if version == "0" and form != code else 403)


def test_permission_names_are_those_of_a_storage():
    """WRITE on a storage comes by owning it or by a grant: what `keys` leaves out of the facts gives no more."""
    assert {name for kind in STORAGES for name in KINDS[kind].permissions} == set(
        (Permission.READ | Permission.WRITE | Permission.MANAGE_ACCESS_RIGHTS).names
    )
