"""What was encrypted with a secret that the server does not know: an operation that needs it fails, and says so."""

import logging

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.test import Client

from resources.models import SourceType
from tests.conftest import PASSWORD
from tests.work_stage import actor_of, built

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]


def test_a_second_factor_that_cannot_be_read_is_refused_and_logged(ada, settings, caplog):
    totp.TOTP.activate(ada, totp.generate_totp_secret())
    browser = Client()
    browser.post("/sign-in", {"login": "ada", "password": PASSWORD})
    settings.SECRET_KEY_FALLBACKS = []
    ada.authenticator_set.update(data={"secret": "encrypted with another"})

    with caplog.at_level(logging.ERROR, "accounts.adapters"):
        page = browser.post("/sign-in/second-step", {"code": "123456"})

    assert "The server cannot read this second factor." in page.content.decode()
    assert "another SECRET_KEY" in caplog.text
    assert "_auth_user_id" not in browser.session


def test_a_source_url_that_cannot_be_read_fails_the_build(ada, settings, caplog):
    actor = actor_of(ada, {"main.py": ""})
    version = actor.versions.get()
    version.source_type, version.source_url = SourceType.GIT_REPO, "https://git.example/x.git"
    version.save()
    settings.SECRET_KEY = "another secret " * 4

    build = built(actor)

    assert build.status == "FAILED"
    assert "another SECRET_KEY" in build.status_message
    assert "another SECRET_KEY" in caplog.text
