"""An e-mail has one form, whatever script its domain is written in, and names an account only once it is verified."""

import json
from http import HTTPStatus
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import tokens
from accounts.email_addresses import for_display, normalize
from accounts.models import Account
from resources.kinds import Kind
from sharing.models import Grant
from tests.support.cast import PASSWORD
from tests.support.sign_in import link_in_mail

UNICODE, ASCII = "Ada@Bücher.example", "ada@xn--bcher-kva.example"


@pytest.fixture
def ada_of_books(ada) -> Account:
    EmailAddress.objects.filter(user=ada).update(email=ASCII)
    ada.email = ASCII
    ada.save()
    return ada


@pytest.mark.parametrize("text", [UNICODE, ASCII, "ADA@XN--BCHER-KVA.EXAMPLE", " ada@bu\u0308cher.example "])
def test_all_spellings_of_a_domain_are_one_address(text):
    assert normalize(text) == ASCII


@pytest.mark.parametrize("text", ["ada@example.com", "ada@intranet", "ada+tag@mail.local"])
def test_an_ascii_address_stays_as_it_is(text):
    assert normalize(text) == for_display(text) == text


@pytest.mark.parametrize("text", ["", "ada", "@example.com", "ada@", "a b@example.com", "a@ex\x00ample.com"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        normalize(text)


def test_the_domain_is_shown_in_unicode():
    assert for_display(ASCII) == "ada@bücher.example"
    assert for_display("ada@xn--\u00fc.example") == "ada@xn--\u00fc.example"


@pytest.mark.django_db
@pytest.mark.parametrize("text", [UNICODE, ASCII])
def test_either_spelling_signs_in(ada_of_books, text):
    response = Client().post("/sign-in", {"login": text, "password": PASSWORD})

    assert response.status_code == HTTPStatus.FOUND
    assert response["Location"] == "/"


@pytest.mark.django_db
@pytest.mark.usefixtures("commits")
def test_sign_up_with_one_spelling_finds_the_account_with_the_other(ada_of_books, mailoutbox):
    Client().post("/sign-up", {"username": "eve", "email": UNICODE, "password1": PASSWORD})

    assert [message.subject for message in mailoutbox] == ["You have an account already"]
    assert mailoutbox[0].to == [ASCII]
    assert "bücher.example" in mailoutbox[0].body


@pytest.mark.django_db
@pytest.mark.usefixtures("commits")
def test_sign_up_keeps_the_domain_in_ascii_and_shows_it_in_unicode(mailoutbox):
    client = Client()
    client.post("/sign-up", {"username": "ada", "email": UNICODE, "password1": PASSWORD})
    client.post(link_in_mail())

    assert Account.objects.get().email == EmailAddress.objects.get().email == ASCII
    assert "ada@bücher.example" in client.get("/settings").content.decode()


@pytest.mark.django_db
@pytest.mark.usefixtures("commits")
def test_a_reset_with_either_spelling_reaches_the_account(ada_of_books, mailoutbox):
    Client().post("/reset-password", {"email": UNICODE})

    assert mailoutbox[0].to == [ASCII]
    assert link_in_mail()


@pytest.mark.django_db
def test_the_same_address_cannot_be_another_accounts_by_another_spelling(ada_of_books):
    with pytest.raises(CommandError, match="Email"):
        call_command("create_account", "eve", email=UNICODE, password=PASSWORD)

    made = StringIO()
    call_command("create_account", "eve", email="Eve@Bücher.example", password="a long password 71", stdout=made)
    assert json.loads(made.getvalue())["email"] == "eve@xn--bcher-kva.example"


@pytest.mark.django_db
@pytest.mark.parametrize("text", [UNICODE, ASCII])
def test_sharing_with_either_spelling_reaches_the_account(ada_of_books, ben, make_resource, text):
    dataset = make_resource(Kind.DATASET, ben)
    token = tokens.create(ben, "test", by=ben.principal)[1]

    response = Client().put(
        f"/v2/datasets/{dataset.pk}/access-rights/{text}",
        json.dumps({"permissions": ["READ"]}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )

    assert response.status_code in (HTTPStatus.OK, HTTPStatus.CREATED)
    assert Grant.objects.get().account == ada_of_books


@pytest.mark.django_db
def test_an_email_that_was_never_verified_names_no_account(ada, ben, make_resource):
    EmailAddress.objects.filter(user=ada).update(verified=False)
    dataset = make_resource(Kind.DATASET, ben)
    token = tokens.create(ben, "test", by=ben.principal)[1]

    response = Client().put(
        f"/v2/datasets/{dataset.pk}/access-rights/{ada.email}",
        json.dumps({"permissions": ["READ"]}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )

    assert response.status_code == HTTPStatus.NOT_FOUND
    assert not Grant.objects.exists()


@pytest.mark.django_db
def test_the_share_dialog_says_alike_for_an_unverified_email_and_for_none(ada, ben, signed_in, make_resource):
    EmailAddress.objects.filter(user=ada).update(verified=False)
    dataset = make_resource(Kind.DATASET, ben)
    browser = signed_in(ben)

    said = []
    for who in (ada.email, "eve@example.com"):
        page = browser.post(f"{dataset.console_path}/share", {"who": who, "permission": "READ"})
        said.append(page.context["adding"].error.replace(who, "..."))

    assert said[0]
    assert said[0] == said[1]
    assert not Grant.objects.exists()


def test_the_migration_converts_what_it_can_and_reports_the_rest(migrate):
    apps = migrate("accounts", "0004_listening_addresses_and_upgrade_notices")
    account = apps.get_model("accounts", "Account")
    address = apps.get_model("account", "EmailAddress")
    for username, name in (("ada", "ada@bücher"), ("ben", "ben@bücher"), ("eve", "ben@xn--bcher-kva")):
        email = f"{name}.example"
        made = account.objects.create(username=username, email=email)
        address.objects.create(user_id=made.pk, email=email, verified=True, primary=True)
    dan = account.objects.create(username="dan", email="dan@bücher.example")
    address.objects.create(user_id=dan.pk, email="dan@bücher.example", verified=True, primary=True)
    address.objects.create(user_id=dan.pk, email="dan@xn--bcher-kva.example", verified=False, primary=False)

    apps = migrate("accounts", "0005_emails_in_one_form")

    account, address = apps.get_model("accounts", "Account"), apps.get_model("account", "EmailAddress")
    assert dict(account.objects.values_list("username", "email")) == {
        "ada": ASCII,
        "ben": "ben@bücher.example",
        "eve": "ben@xn--bcher-kva.example",
        "dan": "dan@xn--bcher-kva.example",
    }
    assert address.objects.get(user_id=dan.pk).verified
    assert address.objects.get(user_id=dan.pk).primary
    (notice,) = apps.get_model("accounts", "UpgradeNotice").objects.filter(key="emails-not-merged")
    assert notice.details == {"accounts": "ben (ben@bücher.example)"}
