"""The links of a storage in the console: who makes, sees and revokes them, and how long they can live."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from apify_client._utils.crypto import create_storage_content_signature
from django.http import QueryDict
from django.utils import timezone

from accounts.models import Account, ApiToken, AuditEvent
from accounts.principal import Principal
from console.pages.storages.link_form import lifetimes
from resources.kinds import STORAGES, Kind
from resources.models import Resource
from resources.records import writing
from sharing import grants
from sharing.links import links
from sharing.models import SignedLink
from sharing.signatures import SignedContent, sign_content
from tests.support.cast import PASSWORD
from tests.support.link_keys import key_of
from tests.support.sign_in import actions_of, sign_in, stale, verify

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]

HTMX = {"HX-Request": "true"}


@pytest.fixture
def storage(ada, make_resource) -> Resource:
    """A Restricted storage whose owner lets readers make links."""
    links.set_reader_links(ada, True, by=ada.principal)
    return make_resource(Kind.KEY_VALUE_STORE, ada, name="prices", general_access="RESTRICTED")


@pytest.fixture
def made(storage):
    """Make a link as somebody: `made(ada)`; it returns the link and its signature."""

    def make(by: Account, lifetime: timedelta = timedelta(days=14), resource: Resource | None = None, **fields):
        return links.create(resource or storage, SignedContent.CONTENT, lifetime, by=by.principal, **fields)

    return make


def put(store: Resource, key: str) -> None:
    writing.write(store.pk, key, [b"{}"], content_type="application/json")


def fetch(client, url: str) -> int:
    parts = urlsplit(url)
    return client.get(f"{parts.path}?{parts.query}").status_code


# Refusals.


@pytest.mark.parametrize("path", ["/link", "/links", "/links/revoke-all"])
def test_nobody_and_strangers_are_refused(client, cleo, signed_in, storage, path):
    assert client.get(storage.console_path + path).status_code == 302
    assert signed_in(cleo).get(storage.console_path + path).status_code == 404
    assert signed_in(cleo).post(storage.console_path + path, {"lifetime": "24"}).status_code == 404
    assert not SignedLink.objects.exists()


def test_who_reads_by_the_link_alone_is_given_the_plain_address(api, cleo, signed_in, storage):
    Resource.objects.update(general_access="ANYONE_WITH_ID_CAN_READ")
    browser = signed_in(cleo)
    for response in (
        browser.get(f"{storage.console_path}/link"),
        browser.post(f"{storage.console_path}/link", {"lifetime": "24"}),
    ):
        assert response.context["made"].url.endswith(f"/v2/key-value-stores/{storage.pk}/keys")
        assert "as long as the key-value store stays open" in response.content.decode()
        assert "signature=" not in response.content.decode()
    assert not SignedLink.objects.exists()
    assert fetch(api(), response.context["made"].url) == 200
    Resource.objects.update(general_access="RESTRICTED")
    assert fetch(api(), response.context["made"].url) == 403


@pytest.mark.parametrize("lifetime", ["", "0", "-1", "2", "1e9", "x", "99999999", "\x00"])
def test_a_lifetime_that_is_not_offered_is_refused(ada, signed_in, storage, lifetime):
    response = signed_in(ada).post(f"{storage.console_path}/link", {"lifetime": lifetime})
    assert response.status_code == 422
    assert not SignedLink.objects.exists()


def test_a_lifetime_beyond_the_cap_of_the_owner_is_refused(ada, ben, give, signed_in, storage):
    give(storage, ben)
    Account.objects.filter(pk=ada.pk).update(link_days=7)
    Account.objects.filter(pk=ben.pk).update(link_days=365)
    response = signed_in(ben).post(f"{storage.console_path}/link", {"lifetime": str(24 * 14)})
    assert response.status_code == 422
    assert "no link last longer than 7 days" in response.content.decode()
    assert not SignedLink.objects.exists()


@pytest.mark.parametrize("key", ["none", "", "..", "a/b", "%00", "x" * 300, "0.0.{id}"])
def test_there_is_no_link_to_a_record_that_is_not_there(ada, signed_in, storage, key):
    query = QueryDict(mutable=True)
    query["record"] = key.format(id=storage.pk)
    url = f"{storage.console_path}/link?{query.urlencode()}"
    assert signed_in(ada).get(url).status_code == 404
    assert signed_in(ada).post(url, {"lifetime": "24"}).status_code == 404


def test_only_a_key_value_store_has_records(ada, signed_in, make_resource):
    dataset = make_resource(Kind.DATASET, ada)
    assert signed_in(ada).get(f"{dataset.console_path}/link?record=a").status_code == 404


def test_somebody_elses_link_is_neither_seen_nor_revoked_by_a_reader(ada, ben, give, signed_in, storage, made):
    link, _ = made(ada, description="only for managers")
    for permission in ("READ", "WRITE"):
        give(storage, ben, permission)
        browser = signed_in(ben)
        assert "only for managers" not in browser.get(f"{storage.console_path}/links").content.decode()
        assert browser.get(f"{storage.console_path}/links/{link.pk}/revoke").status_code == 404
        assert browser.post(f"{storage.console_path}/links/{link.pk}/revoke").status_code == 404
        assert browser.get(f"{storage.console_path}/links/revoke-all").status_code == 403
        assert browser.post(f"{storage.console_path}/links/revoke-all").status_code == 403
    link.refresh_from_db()
    assert link.revoked_at is None
    assert Resource.objects.get(pk=storage.pk).link_counter == 0


def test_a_link_of_another_storage_is_not_revoked_here(ada, signed_in, make_resource, storage, made):
    other, _ = made(ada, resource=make_resource(Kind.DATASET, ada))
    assert signed_in(ada).post(f"{storage.console_path}/links/{other.pk}/revoke").status_code == 404
    other.refresh_from_db()
    assert other.revoked_at is None


def test_looking_at_the_dialogs_changes_nothing(ada, signed_in, storage, made):
    link, _ = made(ada)
    browser = signed_in(ada)
    for path in ("link", "links", "links/revoke-all", f"links/{link.pk}/revoke"):
        assert browser.get(f"{storage.console_path}/{path}").status_code == 200
        assert browser.get(f"{storage.console_path}/{path}", headers=HTMX).status_code == 200
    link.refresh_from_db()
    assert link.revoked_at is None
    assert SignedLink.objects.count() == 1


# Making links.


@pytest.mark.parametrize("kind", STORAGES)
def test_a_link_opens_the_content_of_every_kind_of_storage(api, ada, ben, give, signed_in, make_resource, kind):
    links.set_reader_links(ada, True, by=ada.principal)
    storage = make_resource(kind, ada, general_access="RESTRICTED")
    give(storage, ben)
    response = signed_in(ben).post(f"{storage.console_path}/link", {"lifetime": "168"}, headers=HTMX)
    url = response.context["made"].url
    assert fetch(api(), url) == 200
    assert fetch(api(), url.partition("?")[0]) == 403
    link = SignedLink.objects.get()
    assert (link.made_by, link.opens, link.record_key) == (ben, "CONTENT", "")
    assert timedelta(days=6) < link.expires_at - timezone.now() <= timedelta(days=7)
    assert f"It works until {link.expires_at:%-d %b %Y, %H:%M} UTC" in response.content.decode()
    assert actions_of(ada)[-1] == "link.created"


FIELDS = {
    Kind.DATASET: ("datasets", "items", "itemsPublicUrl"),
    Kind.KEY_VALUE_STORE: ("key-value-stores", "keys", "keysPublicUrl"),
    Kind.REQUEST_QUEUE: ("request-queues", "requests", None),
}


@pytest.mark.parametrize("kind", STORAGES)
def test_the_api_tells_readers_a_signed_address_and_writers_the_key(api, ada, ben, cleo, give, make_resource, kind):
    path, content, field = FIELDS[kind]
    links.set_reader_links(ada, True, by=ada.principal)
    storage = make_resource(kind, ada, general_access="RESTRICTED")
    give(storage, ben)
    url = f"/v2/{path}/{storage.pk}"
    seen = api(ben).get(url).json()["data"]
    assert "urlSigningSecretKey" not in seen
    assert field is None or fetch(api(), seen[field]) == 200
    key = api(ada).get(url).json()["data"]["urlSigningSecretKey"]
    signature = sign_content(key, storage.pk, 0)
    assert fetch(api(), f"{url}/{content}?signature={signature}") == 200
    Resource.objects.update(general_access="ANYONE_WITH_ID_CAN_READ")
    assert "signature" not in str(api(cleo).get(url).json())


@pytest.mark.parametrize("key", ["a.json", "it's-(1)!"])
def test_a_link_to_a_record_opens_that_record_alone(api, ada, signed_in, storage, key):
    put(storage, key)
    put(storage, "other")
    query = QueryDict(mutable=True)
    query["record"] = key
    response = signed_in(ada).post(f"{storage.console_path}/link?{query.urlencode()}", {"lifetime": "1"})
    url = response.context["made"].url
    assert "'" not in url
    assert fetch(api(), url) == 200
    assert fetch(api(), f"{url.rpartition('/')[0]}/other?{urlsplit(url).query}") == 403
    assert fetch(api(), f"{url.rpartition('/records')[0]}/keys?{urlsplit(url).query}") == 403
    assert SignedLink.objects.get().record_key == key


def test_an_answer_to_a_signed_address_sends_it_to_nobody(api, ada, signed_in, storage):
    url = signed_in(ada).post(f"{storage.console_path}/link", {"lifetime": "1"}).context["made"].url
    parts = urlsplit(url)
    for query in (parts.query, "signature=wrong"):
        assert api().get(f"{parts.path}?{query}")["Referrer-Policy"] == "no-referrer"


def test_the_lifetimes_that_are_offered_end_at_the_cap():
    assert [hours // 24 for hours, _ in lifetimes(None)] == [0, 1, 7, 14, 30, 90, 365]
    assert lifetimes(1) == [(1, "1 hour"), (24, "1 day")]
    assert lifetimes(10)[-2:] == [(168, "7 days"), (240, "10 days")]
    assert lifetimes(14)[-1] == (336, "14 days")
    assert lifetimes(3650) == lifetimes(None)


@pytest.mark.parametrize(("cap", "usual"), [(None, "14 days"), (90, "14 days"), (3, "3 days")])
def test_14_days_are_usual_unless_the_cap_is_lower(ada, signed_in, storage, cap, usual):
    Account.objects.update(link_days=cap)
    page = signed_in(ada).get(f"{storage.console_path}/link").content.decode()
    assert f"selected>{usual}</option>" in page


# The list, and the end of links.


def test_managers_see_all_links_and_others_their_own(ada, ben, cleo, give, signed_in, storage, made):
    give(storage, ben)
    give(storage, cleo, "MANAGE_ACCESS_RIGHTS")
    made(ada, description="by the owner")
    made(ben, description="by the reader")
    for account, seen in ((ada, 2), (cleo, 2), (ben, 1)):
        rows = signed_in(account).get(f"{storage.console_path}/links").context["rows"]
        assert len(rows) == seen
        assert rows[0].link.description == "by the reader"


def test_a_row_says_what_a_link_is_for_and_how_it_was_used(ada, api, signed_in, storage, made):
    put(storage, "a.json")
    _, signature = made(ada)
    url = f"/v2/key-value-stores/{storage.pk}/keys?signature={signature}"
    assert [api().get(url).status_code for _ in range(2)] == [200, 200]
    links.uses.flush()
    links.create(storage, SignedContent.RECORD, timedelta(hours=1), by=ada.principal, record_key="a.json")
    rows = signed_in(ada).get(f"{storage.console_path}/links").context["rows"]
    assert [(row.opens, row.link.use_count, row.state.label) for row in rows] == [
        ("record a.json", 0, "Active"),
        ("list of keys", 2, "Active"),
    ]
    assert rows[1].link.last_used_at is not None


def test_a_row_says_why_a_link_opens_nothing(ada, ben, give, signed_in, storage, made):
    give(storage, ben)
    browser = signed_in(ada)

    def states() -> list[str]:
        return [row.state.explanation for row in browser.get(f"{storage.console_path}/links").context["rows"]]

    made(ben)
    link, _ = made(ada)
    assert states() == ["Everyone who has it can open it."] * 2
    grants.revoke(storage, ben, by=ada.principal)
    links.revoke(link, by=ada.principal)
    assert states() == [
        "It was revoked; its signature opens nothing any more.",
        "Its maker cannot read this any more.",
    ]
    Account.objects.filter(pk=ada.pk).update(link_days=7)
    assert states()[1] == "It lasts longer than the owner allows."
    SignedLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert states()[1] == "Its time is over."


def test_a_link_ends_with_the_account_of_its_maker(api, ada, ben, give, signed_in, storage, made):
    give(storage, ben)
    link, signature = made(ben)
    url = f"/v2/key-value-stores/{storage.pk}/keys?signature={signature}"
    assert api().get(url).status_code == 200
    ben.delete()
    assert api().get(url).status_code == 403
    page = signed_in(ada).get(f"{storage.console_path}/links")
    assert [row.state.label for row in page.context["rows"]] == ["Blocked"]
    assert "deleted account" in page.content.decode()
    assert signed_in(ada).post(f"{storage.console_path}/links/{link.pk}/revoke").status_code == 302


@pytest.mark.parametrize("level", ["RESTRICTED", "ANYONE_WITH_ID_CAN_READ"])
def test_the_state_of_a_link_is_what_happens_to_a_request_with_it(api, ada, ben, give, signed_in, storage, made, level):
    Resource.objects.filter(pk=storage.pk).update(general_access=level)
    give(storage, ben)
    _, signature = made(ben)
    grants.revoke(storage, ben, by=ada.principal)
    opened = api().get(f"/v2/key-value-stores/{storage.pk}/keys?signature={signature}").status_code == 200
    state = signed_in(ada).get(f"{storage.console_path}/links").context["rows"][0].state
    assert (state.label == "Active") == opened == (level != "RESTRICTED")


def test_the_queries_of_the_list_do_not_grow_with_its_rows(
    ada, make_account, give, signed_in, storage, made, django_assert_max_num_queries
):
    browser = signed_in(ada)
    for number in range(8):
        account = make_account(f"reader-{number}")
        give(storage, account)
        made(account)
        if number == 1:
            browser.get(f"{storage.console_path}/links")
    with django_assert_max_num_queries(9) as captured:
        assert len(browser.get(f"{storage.console_path}/links").context["rows"]) == 8
    few = len(captured)
    for number in range(8, 20):
        account = make_account(f"reader-{number}")
        give(storage, account)
        made(account)
    with django_assert_max_num_queries(few):
        browser.get(f"{storage.console_path}/links")


def test_the_maker_revokes_their_own_link_and_a_manager_anybodys(api, ada, ben, give, signed_in, storage, made):
    give(storage, ben)
    (own, first), (other, second) = made(ben), made(ben)
    url = f"/v2/key-value-stores/{storage.pk}/keys?signature="
    for account, link, signature in ((ben, own, first), (ada, other, second)):
        assert api().get(url + signature).status_code == 200
        response = signed_in(account).post(f"{storage.console_path}/links/{link.pk}/revoke", headers=HTMX)
        assert response["HX-Redirect"] == f"{storage.console_path}/links"
        assert api().get(url + signature).status_code == 403
    assert list(AuditEvent.objects.filter(action="link.revoked").values_list("actor_id", flat=True)) == [ben.pk, ada.pk]


def test_revoking_all_says_what_it_does_and_ends_every_link(api, ada, ben, give, signed_in, storage, made):
    give(storage, ben, "MANAGE_ACCESS_RIGHTS")
    _, signature = made(ada)
    made(ada)
    browser = signed_in(ben)
    page = browser.get(f"{storage.console_path}/links/revoke-all").content.decode()
    assert "2 active links" in page
    assert "scripts and clients have signed by themselves" in page
    assert browser.post(f"{storage.console_path}/links/revoke-all").status_code == 302
    assert api().get(f"/v2/key-value-stores/{storage.pk}/keys?signature={signature}").status_code == 403
    assert {row.state.label for row in browser.get(f"{storage.console_path}/links").context["rows"]} == {"Revoked"}


def test_the_share_dialog_and_the_export_lead_to_the_links(ada, signed_in, make_resource):
    dataset = make_resource(Kind.DATASET, ada)
    for path in ("share", "export"):
        assert f"{dataset.console_path}/links" in signed_in(ada).get(f"{dataset.console_path}/{path}").content.decode()
    actor = make_resource(Kind.ACTOR, ada)
    assert "/links" not in signed_in(ada).get(f"{actor.console_path}/share").content.decode()


# The cap of an account.

SETTING = "/settings/security/pre-signed-links"


@pytest.fixture
def ada_here(ada):
    """A browser in which Ada signed in a moment ago."""
    return sign_in(verify(ada))[0]


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"link_limit": ""},
        {"link_limit": "x"},
        {"link_limit": "days"},
        *({"link_limit": "days", "link_days": days} for days in ("", "0", "-1", "3651", "x", "1.5", "9" * 400, "\x00")),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(ada, ada_here, sent):
    for headers in ({}, HTMX):
        response = ada_here.post(SETTING, sent, headers=headers)
        assert response.status_code == 422
        assert "Choose one of the two options." in (page := response.content.decode()) or "from 1 to 3,650" in page
    ada.refresh_from_db()
    assert ada.link_days is None


def test_the_limit_asks_for_the_password_when_the_sign_in_is_not_fresh(ada, ada_here):
    stale(ada_here)
    response = ada_here.post(SETTING, {"link_limit": "days", "link_days": "7"})
    assert response["Location"].startswith("/sign-in/confirm?next=")
    ada.refresh_from_db()
    assert ada.link_days is None


def test_coming_back_from_the_confirmation_keeps_what_was_typed(ada, ada_here):
    stale(ada_here)
    ada_here.post(SETTING, {"link_limit": "days", "link_days": "9"})
    ada_here.post("/sign-in/confirm", {"password": PASSWORD, "next": "/settings/security"})
    page = ada_here.get("/settings/security")
    assert 'value="9"' in page.content.decode()
    assert "Press Save limit once more" in page.content.decode()


def test_the_limit_is_saved_said_and_audited(ada, ada_here):
    response = ada_here.post(SETTING, {"link_limit": "days", "link_days": "7"}, headers=HTMX)
    assert "last 7 days at most" in response.content.decode()
    ada.refresh_from_db()
    assert ada.link_days == 7
    assert "Nothing changed" in ada_here.post(SETTING, {"link_limit": "days", "link_days": "7"}).content.decode()
    assert "Limited pre-signed links to 7 days." in ada_here.get("/settings/activity").content.decode()
    ada_here.post(SETTING, {"link_limit": "none", "link_days": "not counted"})
    ada.refresh_from_db()
    assert ada.link_days is None
    assert actions_of(ada)[-2:] == ["account.link_days.changed"] * 2


LOWERED = {"link_limit": "days", "link_days": "7"}


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_before_a_limit_is_saved_the_page_says_what_ends(api, ada, ada_here, storage, made, headers):
    _, long = made(ada)
    made(ada, timedelta(days=30))
    _, short = made(ada, timedelta(days=2))
    revoked, _ = made(ada, timedelta(days=20))
    links.revoke(revoked, by=ada.principal)
    signed = sign_content(key_of(storage), storage.pk, 0)
    url = f"/v2/key-value-stores/{storage.pk}/keys?signature="
    assert [api().get(url + each).status_code for each in (long, short, signed)] == [200] * 3
    page = ada_here.post(SETTING, LOWERED, headers=headers)
    text = page.content.decode()
    assert "2 links that were made here end and 1 goes on" in text
    assert "with the 1 key to 1 storage" in text
    assert "Nothing is saved yet" in text
    assert '<input type="hidden" name="seen" value="7">' in text
    ada.refresh_from_db()
    assert ada.link_days is None
    assert [api().get(url + each).status_code for each in (long, short, signed)] == [200] * 3
    assert "last 7 days at most" in ada_here.post(SETTING, LOWERED | {"seen": "7"}, headers=headers).content.decode()
    assert [api().get(url + each).status_code for each in (long, short, signed)] == [403, 200, 403]


@pytest.mark.parametrize("seen", ["", "8", "x", "07"])
def test_a_limit_whose_effect_was_not_seen_is_not_saved(ada, ada_here, storage, made, seen):
    made(ada)
    assert "Nothing is saved yet" in ada_here.post(SETTING, LOWERED | {"seen": seen}).content.decode()
    ada.refresh_from_db()
    assert ada.link_days is None


def test_a_higher_limit_ends_nothing_and_is_saved_at_once(api, ada, ada_here, storage, made):
    Account.objects.filter(pk=ada.pk).update(link_days=7)
    _, registered = made(ada, timedelta(days=2))
    signed = create_storage_content_signature(storage.pk, key_of(storage), expires_in=timedelta(days=2))
    url = f"/v2/key-value-stores/{storage.pk}/keys?signature="
    for sent in ({"link_limit": "days", "link_days": "9"}, {"link_limit": "none"}):
        assert "Saved" in ada_here.post(SETTING, sent).content.decode()
        assert [api().get(url + each).status_code for each in (registered, signed)] == [200, 200]


# Whether users who may only read make links.

READERS = "/settings/security/reader-links"


def test_the_setting_for_readers_is_saved_said_and_audited(ada, ada_here):
    said = ada_here.post(READERS, {"reader_links": "on"}, headers=HTMX).content.decode()
    assert "Now all users whom you have given access can make new links to a Restricted storage of yours." in said
    ada.refresh_from_db()
    assert ada.readers_make_links
    assert "Nothing changed" in ada_here.post(READERS, {"reader_links": "on"}).content.decode()
    said = ada_here.post(READERS, {}).content.decode()
    assert "Now users who may write it and users who may manage access to it can make new links" in said
    ada.refresh_from_db()
    assert not ada.readers_make_links
    assert actions_of(ada)[-2:] == ["account.readers_make_links.changed"] * 2
    page = ada_here.get("/settings/activity").content.decode()
    assert "Began to let users who may only read make links" in page
    assert "Stopped letting users who may only read make links" in page


def test_the_setting_for_readers_asks_for_the_password_when_the_sign_in_is_not_fresh(ada, ada_here):
    stale(ada_here)
    assert ada_here.post(READERS, {"reader_links": "on"})["Location"].startswith("/sign-in/confirm?next=")
    ada.refresh_from_db()
    assert not ada.readers_make_links


def test_a_reader_of_a_restricted_storage_is_given_the_plain_address_and_told_why(ada, ben, give, signed_in, storage):
    links.set_reader_links(ada, False, by=ada.principal)
    give(storage, ben)
    browser = signed_in(ben)
    for response in (
        browser.get(f"{storage.console_path}/link"),
        browser.post(f"{storage.console_path}/link", {"lifetime": "24"}),
    ):
        assert "signature=" not in response.content.decode()
        assert "ada does not let readers make links" in response.content.decode()
    assert "New link" not in browser.get(f"{storage.console_path}/links").content.decode()
    assert not SignedLink.objects.exists()
    with pytest.raises(links.LinkRefused, match="does not let readers"):
        links.create(storage, SignedContent.CONTENT, timedelta(days=1), by=ben.principal)


def test_managers_see_who_can_sign_by_themselves(ada, ben, give, signed_in, storage, token_of):
    give(storage, ben, "WRITE")
    page = signed_in(ada).get(f"{storage.console_path}/links").content.decode()
    assert "no program signs links" in page
    token_of(ben)
    token = ApiToken.objects.get(account=ben)
    key_of(storage, Principal(ben.pk, "ben", token_id=token.pk))
    key_of(storage)
    page = signed_in(ada).get(f"{storage.console_path}/links").content.decode()
    assert "API token test" in page
    assert "Signing keys" not in signed_in(ben).get(f"{storage.console_path}/links").content.decode()
    grants.revoke(storage, ben, by=ada.principal)
    assert "API token test" not in signed_in(ada).get(f"{storage.console_path}/links").content.decode()
