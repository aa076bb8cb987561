"""A new secret for the server, made and used while servers and workers run."""

import io
import os

import pytest
from django.core.management import CommandError, call_command

from accounts import tokens
from accounts.deployment import exposure
from accounts.lib.encryption import decrypt, encrypt
from console.server import secret_keys
from resources.runs import starting
from resources.runs.tokens import make_run_token
from tests.support.factories import built_actor
from tests.support.run_stage import at_work

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_files(settings, monkeypatch, tmp_path):
    for name in ("SECRET_KEY", "SECRET_KEY_FALLBACKS"):
        monkeypatch.delenv(name, raising=False)
    settings.DATA_DIR = tmp_path
    start_anew(settings)


def start_anew(settings) -> None:
    """Know the secrets that a process knows which starts now."""
    settings.SECRET_KEY = secret_keys.secret_key(settings.DATA_DIR)
    settings.SECRET_KEY_FALLBACKS = secret_keys.fallbacks(settings.DATA_DIR)


def rotate(*given: str) -> str:
    said = io.StringIO()
    call_command("rotate_secret", *given, stdout=said)
    return said.getvalue()


@pytest.mark.parametrize("address", ["127.0.0.1", exposure.WORKER])
def test_nothing_is_encrypted_with_a_secret_that_a_running_process_does_not_know(settings, address):
    exposure.record_listening([address], os.getpid())
    before = settings.SECRET_KEY
    assert "Restart" in rotate()
    assert secret_keys.secret_key(settings.DATA_DIR) == before

    with pytest.raises(CommandError, match=rf"process {os.getpid()} on .* cannot read"):
        rotate("--reencrypt")
    assert secret_keys.secret_key(settings.DATA_DIR) == before

    start_anew(settings)
    exposure.record_listening([address], os.getpid())
    running = settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS
    rotate("--reencrypt")
    assert secret_keys.secret_key(settings.DATA_DIR) != before
    written = encrypt("anew")

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = running  # those of the process that still runs
    assert decrypt(written) == "anew"
    meanwhile = encrypt("meanwhile")
    start_anew(settings)
    assert decrypt(meanwhile) == "meanwhile"
    with pytest.raises(CommandError, match="still write with another secret"):
        rotate("--drop-fallbacks")
    exposure.record_listening([address], os.getpid())
    assert "1 fallback dropped" in rotate("--drop-fallbacks")


def test_a_worker_that_is_recorded_exposes_nothing(settings):
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = "http://localhost:8000", ["localhost"]
    exposure.record_listening([exposure.WORKER], os.getpid())

    assert exposure.exposure_reasons() == []


def test_the_next_secret_stays_the_same_until_it_is_used(settings):
    made = secret_keys.make_next(settings.DATA_DIR)
    assert secret_keys.make_next(settings.DATA_DIR) == made
    assert secret_keys.rotate(settings.DATA_DIR)[0] == made
    assert secret_keys.next_secret(settings.DATA_DIR) == ""


def test_dropping_fallbacks_ends_the_tokens_of_runs_that_were_made_with_them(settings, ada):
    run = at_work(starting.start(built_actor(ada), by=ada.principal))
    text = make_run_token(run)
    rotate()
    start_anew(settings)
    assert make_run_token(run) == text
    rotate("--reencrypt")
    start_anew(settings)
    assert make_run_token(run) == text
    said = rotate("--drop-fallbacks")
    assert "that have ended: 1." in said
    with pytest.raises(tokens.UnknownToken):
        tokens.resolve(text)
    start_anew(settings)
    assert tokens.resolve(make_run_token(run)).account_id == ada.pk
