"""The server's secret, and the ones before it: where they come from, and what still holds after a change."""

import stat

import pytest
from django.core.signing import BadSignature, Signer

from console.server import secret_keys

OLD, OLDER = "old-secret-for-tests-0123456789-0123456789-012345", "older-secret-for-tests-0123456789-0123456789-0123"


@pytest.fixture(autouse=True)
def _nothing_given(monkeypatch):
    for name in ("SECRET_KEY", "SECRET_KEY_FALLBACKS"):
        monkeypatch.delenv(name, raising=False)


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    made = secret_keys.secret_key(tmp_path)
    assert len(made) > 50
    assert secret_keys.secret_key(tmp_path) == made
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600


def test_a_secret_that_is_given_is_written_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", OLD)
    assert secret_keys.secret_key(tmp_path) == OLD
    assert list(tmp_path.iterdir()) == []


def test_there_are_no_fallbacks_unless_they_are_given(tmp_path):
    assert secret_keys.fallbacks(tmp_path) == []


def test_fallbacks_come_from_the_environment_and_then_from_the_file_each_once(tmp_path, monkeypatch):
    (tmp_path / "secret-key-fallbacks").write_text(f"\n{OLDER}\nwith,comma\n{OLD}\n")
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", f" {OLD} ,, ")
    assert secret_keys.fallbacks(tmp_path) == [OLD, OLDER, "with,comma"]


def test_a_signature_made_with_a_fallback_holds(settings):
    signed = Signer(key=OLD).sign("text")
    with pytest.raises(BadSignature):
        Signer().unsign(signed)
    settings.SECRET_KEY_FALLBACKS = [OLDER, OLD]
    assert Signer().unsign(signed) == "text"
