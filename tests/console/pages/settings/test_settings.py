"""The settings pages of an account: who gets to them, and what they change."""

from http import HTTPStatus

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.models import Account, AuditEvent
from resources.kinds import Kind
from tests.support.cast import PASSWORD
from tests.support.sign_in import actions_of, link_in_mail, sign_in, stale, verify

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]

PAGES = ["", "/email", "/notifications", "/activity", "/security", "/security/password", "/integrations"]


@pytest.fixture
def ada_here(ada) -> Client:
    """A browser in which Ada signed in a moment ago."""
    return sign_in(verify(ada))[0]


@pytest.mark.parametrize("page", PAGES)
def test_settings_are_for_whoever_is_signed_in(page, client):
    response = client.get(f"/settings{page}")
    assert response["Location"] == f"/sign-in?next=/settings{page}"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens(page, ada_here):
    response = ada_here.get(f"/settings{page}")
    assert response.status_code == HTTPStatus.OK
    assert 'style="' not in response.content.decode()


def test_the_sections_of_security_and_privacy(ada_here):
    page = ada_here.get("/settings/security").content.decode()
    for text in (
        "Sign-in methods",
        "Two-factor sign-in",
        "Sessions",
        "General resource access",
        "Share run data with developers",
        ">Save</button>",
    ):
        assert text in page


# General resource access


@pytest.mark.parametrize("level", ["", "FOLLOW_USER_SETTING", "ANYONE_WITH_NAME_CAN_READ", "restricted", "\x00"])
def test_general_access_refuses_other_levels(ada, ada_here, level):
    response = ada_here.post("/settings/security/general-access", {"general_access": level})
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Choose one of the two options." in response.content.decode()
    ada.refresh_from_db()
    assert ada.general_access == "ANYONE_WITH_ID_CAN_READ"


def test_general_access_asks_for_the_password_when_the_sign_in_is_not_fresh(ada, ada_here):
    stale(ada_here)
    response = ada_here.post("/settings/security/general-access", {"general_access": "RESTRICTED"})
    assert response["Location"].startswith("/sign-in/confirm?next=")
    ada.refresh_from_db()
    assert ada.general_access == "ANYONE_WITH_ID_CAN_READ"
    confirm = ada_here.get(response["Location"]).context["redirect_field_value"]
    back = ada_here.post("/sign-in/confirm", {"password": PASSWORD, "next": confirm})
    assert back["Location"] == "/settings/security"
    page = ada_here.get(back["Location"])
    assert page.context["chosen"] == "RESTRICTED"
    assert "Press Save once more" in page.content.decode()
    assert page.content.decode().count(" autofocus>Save<") == 1
    again = ada_here.get(back["Location"])
    assert again.context["chosen"] == "ANYONE_WITH_ID_CAN_READ"
    assert "once more" not in again.content.decode(), "it is said once"
    ada.refresh_from_db()
    assert ada.general_access == "ANYONE_WITH_ID_CAN_READ", "coming back saves nothing"


@pytest.mark.parametrize(
    "query",
    [
        "general_access=RESTRICTED&confirmed=general-access",
        "share_runs=on&confirmed=run-sharing",
        "link_limit=days&link_days=9&confirmed=pre-signed-links",
    ],
)
def test_a_crafted_link_is_no_confirmation(ada_here, query):
    page = ada_here.get(f"/settings/security?{query}")
    assert "Thank you" not in page.content.decode()
    assert (page.context["chosen"], page.context["shares"]) == ("ANYONE_WITH_ID_CAN_READ", False)
    assert not page.context["links_limited"]
    page = ada_here.get("/settings/integrations?confirmed=new-token&name=evil&access=full")
    assert "Thank you" not in page.content.decode()
    assert "evil" not in page.content.decode()


def test_what_waits_too_long_for_a_confirmation_is_forgotten(ada_here):
    stale(ada_here)
    ada_here.post("/settings/security/run-sharing", {"share_runs": "on"})
    session = ada_here.session
    session["waits_for_confirmation"]["at"] -= 1801
    session.save()
    ada_here.post("/sign-in/confirm", {"password": PASSWORD, "next": "/settings/security"})
    assert not ada_here.get("/settings/security").context["shares"]


def test_htmx_is_led_to_the_confirmation_too(ada_here):
    stale(ada_here)
    response = ada_here.post(
        "/settings/security/general-access", {"general_access": "RESTRICTED"}, headers={"HX-Request": "true"}
    )
    assert response["HX-Redirect"].startswith("/sign-in/confirm?next=")


@pytest.mark.parametrize("htmx", [True, False])
def test_general_access_is_saved_and_said_in_place(ada, ada_here, htmx):
    headers = {"HX-Request": "true"} if htmx else {}
    for said in ("Its ID or link alone gives no access.", "Nothing changed"):
        response = ada_here.post("/settings/security/general-access", {"general_access": "RESTRICTED"}, headers=headers)
        page = response.content.decode()
        assert said in page
        assert ("<html" in page) is not htmx
    ada.refresh_from_db()
    assert ada.general_access == "RESTRICTED"
    assert actions_of(ada).count("account.general_access.changed") == 1


def test_run_sharing(ada, ada_here):
    on = ada_here.post("/settings/security/run-sharing", {"share_runs": "on"}, headers={"HX-Request": "true"})
    assert "past and future" in on.content.decode()
    ada.refresh_from_db()
    assert ada.share_runs_with_actor_creators
    ada_here.post("/settings/security/run-sharing", {})
    ada.refresh_from_db()
    assert not ada.share_runs_with_actor_creators
    stale(ada_here)
    asked = ada_here.post("/settings/security/run-sharing", {"share_runs": "on"})
    assert asked["Location"].startswith("/sign-in/confirm")
    ada.refresh_from_db()
    assert not ada.share_runs_with_actor_creators


@pytest.mark.parametrize("section", ["general-access", "run-sharing"])
def test_the_address_of_a_section_leads_to_it(ada_here, section):
    assert ada_here.get(f"/settings/security/{section}")["Location"] == f"/settings/security#{section}"


# Password and e-mail


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"oldpassword": "wrong horse battery"}, "oldpassword"),
        ({"password1": "short", "password2": "short"}, "password1"),
        ({"password2": "something else entirely"}, "password2"),
        ({"password1": ""}, "password1"),
    ],
)
def test_change_password_refuses(ada, ada_here, fields, wrong):
    new = {"oldpassword": PASSWORD, "password1": "another horse battery", "password2": "another horse battery"}
    response = ada_here.post("/settings/security/password", {**new, **fields})
    assert response.context["form"].errors[wrong]
    assert "autofocus" in str(response.context["form"][wrong])
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_change_password_ends_the_other_sessions(ada, ada_here, mailoutbox):
    elsewhere, _ = sign_in(ada)
    new = {"oldpassword": PASSWORD, "password1": "another horse battery", "password2": "another horse battery"}
    response = ada_here.post("/settings/security/password", new)
    assert response["Location"] == "/settings/security"
    assert ada_here.get("/settings/security").status_code == HTTPStatus.OK
    assert elsewhere.get("/settings").status_code == HTTPStatus.FOUND
    assert mailoutbox[-1].subject == "Your password has been changed"
    assert actions_of(ada)[-1] == "password.changed"
    assert "horse" not in str(AuditEvent.objects.latest("pk").details)


def test_change_email_needs_a_fresh_sign_in_and_the_link(ada, ada_here, mailoutbox):
    stale(ada_here)
    asked = ada_here.post("/settings/email", {"email": "ada@example.org", "action_add": "1"})
    assert asked["Location"].startswith("/sign-in/confirm")
    ada_here.post("/sign-in/confirm", {"password": PASSWORD, "next": "/settings"})
    ada_here.post("/settings/email", {"email": "Ada@example.org", "action_add": "1"})
    ada.refresh_from_db()
    assert ada.email == "ada@example.com"
    assert "ada@example.org" in ada_here.get("/settings").content.decode()
    ada_here.post(link_in_mail())
    ada.refresh_from_db()
    assert ada.email == "ada@example.org"
    assert actions_of(ada)[-1] == "email.changed"
    assert list(EmailAddress.objects.values_list("email", flat=True)) == ["ada@example.org"]
    assert mailoutbox[-1].to == ["ada@example.com"], "the old address is told"


def test_an_email_of_somebody_else_cannot_be_taken(ada, ben, ada_here, mailoutbox):
    response = ada_here.post("/settings/email", {"email": "ben@example.com", "action_add": "1"})
    assert response.status_code == HTTPStatus.FOUND, "that Ben has an account is not given away"
    page = ada_here.post(link_in_mail(), follow=True)
    assert "belongs to another account" in page.content.decode()
    ada.refresh_from_db()
    assert ada.email == "ada@example.com"
    assert ben == Account.objects.get(email="ben@example.com")


@pytest.mark.parametrize("email", ["", "x", "ada@example.com", "\x00", "a" * 10_000 + "@example.com"])
def test_change_email_refuses(ada_here, email):
    response = ada_here.post("/settings/email", {"email": email, "action_add": "1"})
    assert response.context["form"].errors["email"]


def test_a_pending_email_can_be_dropped(ada, ada_here):
    ada_here.post("/settings/email", {"email": "ada@example.org", "action_add": "1"})
    ada_here.post("/settings/email", {"email": "ada@example.org", "action_remove": "1"})
    assert list(EmailAddress.objects.values_list("email", flat=True)) == ["ada@example.com"]


# Notifications and activity


@pytest.mark.parametrize("htmx", [True, False])
def test_notifications(ada, ada_here, htmx):
    headers = {"HX-Request": "true"} if htmx else {}
    off = ada_here.post("/settings/notifications", {}, headers=headers)
    assert "no more emails" in off.content.decode()
    ada.refresh_from_db()
    assert not ada.notify_when_shared
    ada_here.post("/settings/notifications", {"notify_when_shared": "on"}, headers=headers)
    ada.refresh_from_db()
    assert ada.notify_when_shared
    assert not ada.notify_of_issues
    shared, of_issues = "account.notify_when_shared.changed", "account.notify_of_issues.changed"
    assert actions_of(ada)[-3:] == [shared, of_issues, shared]


def test_activity_shows_the_account_its_own_trail_only(ada, ben, ada_here):
    sign_in(verify(ben))
    Client().post("/sign-in", {"login": "ada", "password": "wrong"})
    ada_here.post("/settings/security/general-access", {"general_access": "RESTRICTED"})
    page = ada_here.get("/settings/activity")
    sentences = [(line.actor, line.sentence) for line in page.context["lines"]]
    assert sentences == [
        ("You", "Changed general resource access to “Restricted”."),
        ("Someone not signed in", "Failed to sign in: wrong password."),
        ("You", "Signed in."),
    ]


@pytest.mark.parametrize("number", ["0", "-1", "x", "2", "99999999999999999999", "\x00"])
def test_activity_pages(ada, ada_here, number, django_assert_max_num_queries):
    AuditEvent.objects.bulk_create(AuditEvent(action="sign_in", account_id=ada.pk, actor_id=ada.pk) for _ in range(60))
    ada_here.get("/settings/activity")
    with django_assert_max_num_queries(6):
        page = ada_here.get("/settings/activity", {"page": number})
    assert page.status_code == HTTPStatus.OK
    assert page.context["paging"].of_pages == 2


def test_every_recorded_action_has_a_sentence(ada):
    from console.pages.settings.activity_messages import activity_message

    event = AuditEvent(action="something.new_happened", subject_kind="dataset", subject_id="abc")
    assert activity_message(event) == "Something new happened: dataset abc."
    for action in ("grant.created", "grant.changed", "grant.revoked", "issue.run_attached", "resource.renamed"):
        assert activity_message(AuditEvent(action=action, subject_kind="dataset", details={"name": "prices"}))


def test_activity_says_where_everything_was_done_from(ada, ben, ada_here, signed_in, api, make_resource, give):
    dataset = make_resource(Kind.DATASET, ada, name="prices")
    chrome = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0"}
    ada_here.post(f"{dataset.console_path}/share/general-access", {"general_access": "RESTRICTED"}, headers=chrome)
    ada_here.post("/settings/integrations", {"name": "t", "lifetime": "never", "access": "full"}, headers=chrome)
    api(ada).put(
        f"/v2/datasets/{dataset.pk}", {"generalAccess": "FOLLOW_USER_SETTING"}, content_type="application/json"
    )
    give(dataset, ben, "MANAGE_ACCESS_RIGHTS")
    signed_in(ben).post(
        f"{dataset.console_path}/share/general-access", {"general_access": "RESTRICTED"}, headers=chrome
    )
    lines = {(line.actor, line.sentence): line.origin for line in ada_here.get("/settings/activity").context["lines"]}
    changed = "Changed general access of dataset prices to “{}”."
    assert lines["You", changed.format("Restricted")] == "Chrome on Linux, 127.0.0.1"
    assert lines["You", "Created the API token t."] == "Chrome on Linux, 127.0.0.1"
    assert lines["You", changed.format("Follow the owner's setting")] == "API token test, 127.0.0.1"
    assert lines["ben", changed.format("Restricted")] == "Console", "whose address is nobody else's business"


def test_activity_tells_in_whole_sentences(ada, ben, ada_here, signed_in, make_resource):
    dataset = make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")
    signed_in(ben).post("/ask-for-access", {"page": dataset.console_path})
    assert "Asked for access to dataset prices." in ada_here.get("/settings/activity").content.decode()
