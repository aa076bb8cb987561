"""`manage.py create_account`."""

import json

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command

from accounts import tokens
from accounts.lib.ids import looks_like_id
from accounts.models import Account, ApiToken
from tests.support.cast import PASSWORD
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db


def create(capsys, username="eve", email="eve@example.com", password=PASSWORD, *options):
    call_command("create_account", username, "--email", email, "--password", password, *options)
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("ADA",), "This username is taken."),
        (("eve", "ADA@example.com"), "already exists"),
        (("me",), "Use 3 to 30 letters"),
        (("nobody",), "reserved"),
        (("a" * 17,), "must not look like an account ID"),
        (("eve\x00",), "Use 3 to 30 letters"),
        (("eve", "nonsense"), "Enter a valid email address."),
        (("eve", ""), "cannot be blank"),
        (("eve", "eve@example.com", "short"), "too short"),
        (("eve", "eve@example.com", "eve@example.com"), "too similar"),
        (("eve", "eve@example.com", PASSWORD, "--general-access", "OPEN"), "invalid choice"),
    ],
)
def test_refusals_make_nothing(ada, capsys, arguments, why):
    with pytest.raises(CommandError, match=why):
        create(capsys, *arguments)
    assert capsys.readouterr().out == ""
    assert Account.objects.get() == ada
    assert not EmailAddress.objects.exclude(user=ada).exists()
    assert not ApiToken.objects.exists()


def test_nothing_is_made_when_the_token_cannot_be(capsys, monkeypatch):
    monkeypatch.setattr("accounts.tokens.create", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        create(capsys, "eve", "eve@example.com", PASSWORD, "--token")
    assert not Account.objects.exists()


def test_it_prints_one_json_object_and_the_account_can_sign_in(capsys):
    made = create(capsys)
    eve = Account.objects.get()
    assert made == {"id": eve.pk, "username": "eve", "email": "eve@example.com"}
    assert looks_like_id(made["id"])
    assert eve.general_access == "ANYONE_WITH_ID_CAN_READ"
    assert not eve.share_runs_with_actor_creators
    assert sign_in(eve)[1]["Location"] == "/"


def test_options(capsys):
    made = create(
        capsys,
        "Eve",
        "EVE@example.com",
        PASSWORD,
        "--general-access",
        "RESTRICTED",
        "--share-runs-with-actor-creators",
        "--token",
    )
    eve = Account.objects.get()
    assert (made["username"], made["email"]) == ("Eve", "eve@example.com")
    assert (eve.general_access, eve.share_runs_with_actor_creators) == ("RESTRICTED", True)
    assert tokens.resolve(made["token"]).account_id == eve.pk
