"""Acting for an organization: switched to, carried by every form, and over when the membership is."""

import re

import pytest
from django.test import Client

from accounts import tokens
from accounts.models import Account, AuditEvent, OrganizationInvitation, OutgoingEmail
from accounts.organizations import roles
from accounts.principal import ANONYMOUS
from console.http.shown_account import SHOWN_FOR
from resources.kinds import Kind
from resources.models import Dataset
from sharing import grants
from sharing.organizations import leaving
from sharing.permissions import Permission
from tests.support.organizations import acting, join, make_organization, role_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(ada) -> Account:
    return make_organization(ada)


def switch(client: Client, account: Account, **fields):
    return client.post("/organizations/switch", {"account": account.pk, **fields})


@pytest.fixture
def here(signed_in, ben, acme) -> Client:
    """Ben's browser; he is a Developer of acme, and acts for it."""
    join(acme, ben, "Developer")
    client = signed_in(ben)
    assert switch(client, acme).status_code == 302
    return client


def current(client: Client) -> str:
    found = re.search(r'aria-label="(\S+), account menu"', client.get("/organizations").content.decode())
    assert found is not None
    return found[1]


def shown_for(account: Account) -> dict[str, str]:
    return {SHOWN_FOR: account.pk}


# Switching


def test_only_ones_own_accounts_are_switched_to(signed_in, ben, cleo, acme):
    client = signed_in(ben)
    for account in (acme, cleo):
        assert switch(client, account).status_code == 404
    assert client.post("/organizations/switch", {"account": "\x00"}).status_code == 404
    assert current(client) == "ben"
    assert client.get("/organizations/switch").status_code == 405


def test_switching_goes_on_only_to_this_host(here, ben):
    assert switch(here, ben, next="https://example.com/").headers["Location"] == "/"
    assert switch(here, ben, next="/storage/datasets").headers["Location"] == "/storage/datasets"


def test_every_page_shows_the_current_account(here, acme, ben):
    for path in ("/", "/storage/datasets", "/actors", "/shared", "/organizations", "/nothing-here"):
        content = here.get(path).content.decode()
        if "account menu" in content:
            assert 'aria-label="acme, account menu"' in content, path
    switch(here, ben)
    assert current(here) == "ben"


def test_what_is_made_belongs_to_the_account_acted_for(here, acme, ben):
    response = here.post("/storage/datasets/new", {"name": "prices", **shown_for(acme)})
    assert response.status_code == 302
    assert Dataset.objects.get().owner == acme
    assert Dataset.objects.get().name.encode() in here.get("/storage/datasets").content
    switch(here, ben)
    assert b"prices" not in here.get("/storage/datasets").content


# Forms and links of another account


def test_a_form_of_another_account_changes_nothing(here, acme, ben, make_resource):
    mine = make_resource(Kind.DATASET, acme, name="prices")
    sent = {"name": "renamed", **shown_for(acme)}
    switch(here, ben)
    response = here.post("/storage/datasets/new", sent)
    assert response.status_code == 409
    assert b"Switch to acme" in response.content
    assert b"Stay with ben" in response.content
    assert list(Dataset.objects.all()) == [mine]
    response = here.post(f"/storage/datasets/{mine.pk}/rename", sent)
    assert response.status_code == 403  # to read it by its ID is open
    assert b"Switch to acme" in response.content
    mine.refresh_from_db()
    assert mine.name == "prices"
    assert current(here) == "ben"  # never by itself


@pytest.mark.parametrize("fields", [{}, {SHOWN_FOR: "a" * 17}, {SHOWN_FOR: ""}])
def test_for_an_organization_no_form_is_without_its_account(here, fields):
    assert here.post("/storage/datasets/new", {"name": "prices", **fields}).status_code == 409
    assert not Dataset.objects.exists()


def test_two_accounts_in_one_request_are_none(here, acme, ben):
    sent = {"name": "prices", SHOWN_FOR: [acme.pk, ben.pk]}
    assert here.post("/storage/datasets/new", sent).status_code == 409
    assert (
        here.post("/storage/datasets/new", sent | shown_for(acme), headers={"X-Shown-For": ben.pk}).status_code == 409
    )
    response = here.post(
        "/storage/datasets/new", {"name": "prices"}, headers={"X-Shown-For": acme.pk, "HX-Request": "true"}
    )
    assert response.status_code == 200
    assert Dataset.objects.count() == 1


def test_a_script_is_led_to_the_page_that_offers_both(here, acme, ben):
    switch(here, ben)
    headers = {"X-Shown-For": acme.pk, "HX-Request": "true", "HX-Current-URL": "http://testserver/storage/datasets/new"}
    response = here.post("/storage/datasets/new", {"name": "prices"}, headers=headers)
    assert response.status_code == 409
    offered = here.get(response.headers["HX-Redirect"])
    assert offered.status_code == 409
    assert b"Nothing was changed" in offered.content
    assert b"Switch to acme" in offered.content
    assert b'href="/storage/datasets/new">Stay with ben' in offered.content
    assert not Dataset.objects.exists()


def test_every_form_of_a_page_has_it(here, acme, ben):
    for path in ("/storage/datasets/new", "/settings/organization", "/organizations"):
        content = here.get(path, follow=True).content.decode()
        forms = re.findall(r"<form\b.*?</form>", content, re.S)
        posts = [form for form in forms if 'method="post"' in form]
        assert posts, path
        assert all(f'name="{SHOWN_FOR}" value="{acme.pk}"' in form for form in posts), path
        assert f'"X-Shown-For": "{acme.pk}"' in content


def test_a_link_for_another_account_offers_it(here, acme, ben, cleo):
    own = here.get(f"/storage/datasets?account={ben.pk}")
    assert own.status_code == 409
    assert b"Switch to ben" in own.content
    assert here.get(f"/storage/datasets?account={acme.pk}").status_code == 200
    others = here.get(f"/storage/datasets?account={cleo.pk}")
    assert others.status_code == 409
    assert b"cleo" not in others.content
    assert current(here) == "acme"


def test_settings_say_which_account_they_are_of(here, acme):
    response = here.get("/settings/organization")
    assert response.headers["Location"] == f"/settings/organization?account={acme.pk}"


def test_a_page_that_another_account_can_open_names_it(here, acme, ben, make_resource):
    mine = make_resource(Kind.DATASET, ben, name="diary", general_access="RESTRICTED")
    path = f"/storage/datasets/{mine.pk}"
    response = here.get(path)
    assert response.status_code == 404
    assert b"Switch to ben" in response.content
    assert current(here) == "acme"
    assert switch(here, ben, next=path).headers["Location"] == path
    assert here.get(path).status_code == 200


def test_nothing_is_offered_for_what_no_account_can_open(here, cleo, make_resource):
    theirs = make_resource(Kind.DATASET, cleo, general_access="RESTRICTED")
    assert b"Switch to" not in here.get(f"/storage/datasets/{theirs.pk}").content.split(b"<main")[1]


# Roles


@pytest.mark.parametrize("path", ["/settings/activity", "/settings/security", "/settings/organization/rename"])
def test_account_wide_pages_need_the_permission(here, acme, path):
    send = here.post if path.endswith("rename") else here.get
    response = send(f"{path}?account={acme.pk}", **({"data": shown_for(acme)} if send == here.post else {}))
    assert response.status_code == 403
    assert b"does not include" in response.content


@pytest.mark.parametrize("path", ["/settings/email", "/settings/notifications", "/settings/security/two-factor"])
def test_pages_about_the_person_are_not_those_of_the_organization(here, acme, path):
    response = here.get(f"{path}?account={acme.pk}")
    assert response.status_code == 403
    assert b"Switch to ben" in response.content


def test_a_member_does_not_end_the_sessions_of_the_person_by_an_organization(here, acme):
    assert here.post("/settings/security/sessions/end-others", shown_for(acme)).status_code == 403


def test_a_reader_makes_nothing(signed_in, cleo, acme):
    join(acme, cleo, "Read only")
    client = signed_in(cleo)
    switch(client, acme)
    assert client.post("/storage/datasets/new", {"name": "prices", **shown_for(acme)}).status_code == 403
    assert not Dataset.objects.exists()


def test_access_that_the_organization_has_is_given_up_by_those_who_may(here, acme, ben, cleo, make_resource):
    theirs = make_resource(Kind.DATASET, cleo, general_access="RESTRICTED")
    grants.grant(theirs, acme, Permission.READ, by=cleo.principal)
    assert here.get(f"/storage/datasets/{theirs.pk}").status_code == 200
    response = here.post(f"/storage/datasets/{theirs.pk}/share/give-up", shown_for(acme))
    assert response.status_code == 403
    assert theirs.grants.count() == 1


# The end


def test_a_removed_member_falls_back_to_their_own_account(here, acme, ada, ben, make_resource):
    kept = make_resource(Kind.DATASET, acme, name="prices", general_access="RESTRICTED")
    leaving.end_membership(acme, ben.pk, by=acting(ada, acme))
    response = here.post("/storage/datasets/new", {"name": "mine", **shown_for(acme)})
    assert response.status_code == 409
    assert Dataset.objects.count() == 1
    assert b"not a member of that organization any more" in response.content
    assert here.get(f"/storage/datasets/{kept.pk}").status_code == 404
    assert current(here) == "ben"


def test_a_role_is_felt_at_the_next_request(here, acme, ada):
    assert here.get("/storage/datasets/new").status_code == 200
    roles.edit(acme, {role_of(acme, "Developer").pk: {"storages": ["READ"]}}, by=acting(ada, acme))
    assert here.get("/storage/datasets/new").status_code == 403


def test_lines_of_the_trail_name_the_person_and_the_account(here, acme, ben, ada, signed_in, make_resource):
    dataset = make_resource(Kind.DATASET, acme, name="prices")
    here.post(f"/storage/datasets/{dataset.pk}/rename", {"name": "costs", **shown_for(acme)})
    event = AuditEvent.objects.get(action="resource.renamed")
    assert (event.actor_id, event.person_id, event.person_username) == (acme.pk, ben.pk, "ben")
    boss = signed_in(ada)
    switch(boss, acme)
    content = boss.get(f"/settings/activity?account={acme.pk}").content.decode()
    assert "ben" in content
    assert "costs" in content


def test_emails_of_an_organization_go_to_its_owner(acme, ben, make_resource):
    theirs = make_resource(Kind.DATASET, ben, name="prices")
    grants.grant(theirs, acme, Permission.READ, by=ben.principal)
    email = OutgoingEmail.objects.get()
    assert email.recipients == ["ada@example.com"]
    assert f"{theirs.console_url}?account={acme.pk}" in email.text


def test_who_invites_looks_up_accounts_that_do_not_exist_only_so_often(here, acme, ada, cleo, signed_in, settings):
    settings.LOOKUP_MISSES = 2
    client = signed_in(ada)
    switch(client, acme)

    def invite(who: str) -> str:
        form = {"who": who, "role": role_of(acme, "Developer").pk, **shown_for(acme)}
        return client.post("/settings/organization/invite", form, follow=True).content.decode()

    assert ["No account found" in invite(f"nobody{number}") for number in range(3)] == [True, True, False]
    assert "named many accounts that do not exist" in invite("cleo")
    assert not OrganizationInvitation.objects.exists()


def test_a_form_whose_address_is_for_another_account_changes_nothing(here, acme, ben):
    data = {"name": "prices", **shown_for(acme)}
    refused = here.post(f"/storage/datasets/new?account={ben.pk}", data)
    assert refused.status_code == 409
    refused = here.post(f"/storage/datasets/new?account={ben.pk}", data, headers={"HX-Request": "true"})
    assert (refused.status_code, f"account={ben.pk}" in refused.headers["HX-Redirect"]) == (409, True)
    assert not Dataset.objects.exists()
    assert here.post(f"/storage/datasets/new?account={acme.pk}", data).status_code == 302
    assert Dataset.objects.get().owner == acme


def test_the_activity_of_an_organization_names_its_own_token(acme, ada, signed_in):
    client = signed_in(ada)
    switch(client, acme)
    _, text = tokens.create(acme, "nightly", by=ANONYMOUS)
    grants_by = tokens.resolve(text)
    roles.add(acme, "By token", {}, by=grants_by)
    roles.add(acme, "By ada", {}, by=acting(ada, acme))
    page = client.get("/settings/activity", {"account": acme.pk}).content.decode()
    assert "By token" in page
    assert ">You<" not in page
    assert ">nightly<" in page
