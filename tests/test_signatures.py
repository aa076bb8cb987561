"""Signatures: what is refused, then what opens, against the official client's own code."""

import base64
from datetime import timedelta

import pytest
from apify_client._utils.crypto import create_hmac_signature, create_storage_content_signature
from hypothesis import given
from hypothesis import strategies as st

from accounts.ids import new_id
from resources.records.keys import spells_content_message
from sharing.signatures import (
    check_content,
    check_record,
    mac,
    sign_content,
    sign_record,
    sign_record_until,
    signing_key,
)

STORE = "abcdefghijklmnopq"
KEY = signing_key(STORE, 0)
NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "=",
        "!",
        "a",
        "MC4wLg",
        "é",
        "\x00",
        "a" * 10_000,
        base64.urlsafe_b64encode(b"0.0.\xff").decode(),
        base64.urlsafe_b64encode(b"0.00." + mac(KEY, f"0.00.{STORE}").encode()).decode(),
        base64.urlsafe_b64encode(b"0.-1." + mac(KEY, f"0.-1.{STORE}").encode()).decode(),
        base64.urlsafe_b64encode(b"1.0." + mac(KEY, f"1.0.{STORE}").encode()).decode(),
        base64.urlsafe_b64encode(f"0.0.{mac(KEY, f'0.0.{STORE}')}\n".encode()).decode(),
        mac(KEY, f"0.0.{STORE}"),
    ],
)
def test_what_is_no_signature_is_refused(signature):
    assert check_content(signature, KEY, STORE, NOW) is None
    assert check_record(signature, KEY, STORE, "OUTPUT", NOW) is None


def test_expired_truncated_foreign_and_revoked_signatures_are_refused():
    signature = sign_content(KEY, STORE, NOW + 1)
    assert check_content(signature, KEY, STORE, NOW + 1) is None
    for length in range(len(signature)):
        assert check_content(signature[:length], KEY, STORE, NOW) is None
    other = new_id()
    assert check_content(signature, signing_key(other, 0), other, NOW) is None
    assert check_content(signature, KEY, other, NOW) is None
    assert check_content(signature, signing_key(STORE, 1), STORE, NOW) is None


def test_a_later_end_cannot_be_written_into_a_signature():
    payload = base64.urlsafe_b64decode(sign_content(KEY, STORE, NOW) + "==").decode().split(".")
    for end in ("0", str(NOW * 2)):
        forged = base64.urlsafe_b64encode(".".join([payload[0], end, payload[2]]).encode()).decode()
        assert check_content(forged, KEY, STORE, NOW) is None


def test_a_record_signature_opens_no_other_record_and_no_content():
    signature = sign_record(KEY, STORE, "OUTPUT")
    assert check_record(signature, KEY, STORE, "OUTPUT.json", NOW) is None
    assert check_record(signature, KEY, STORE, "INPUT", NOW) is None
    assert check_content(signature, KEY, STORE, NOW) is None
    assert check_record(sign_content(KEY, STORE, 0), KEY, STORE, "OUTPUT", NOW) is None


@given(st.integers(min_value=0, max_value=10**15), st.sampled_from(["0", "1", ""]))
def test_a_record_key_cannot_mint_a_content_signature(end, version):
    key = f"{version}.{end}.{STORE}"
    assert spells_content_message(key, STORE)
    with pytest.raises(ValueError, match="cannot be signed"):
        sign_record(KEY, STORE, key)
    assert check_record(mac(KEY, key), KEY, STORE, key, NOW) is None
    assert not spells_content_message(key, new_id())


@given(st.text(min_size=1, max_size=50))
def test_the_official_client_and_we_compute_the_same(message):
    assert mac(KEY, message) == create_hmac_signature(KEY, message)


@pytest.mark.parametrize("expires_in", [None, timedelta(days=14)])
@pytest.mark.parametrize("padding", [True, False])
def test_what_the_official_client_signs_opens(expires_in, padding):
    signature = create_storage_content_signature(STORE, KEY, expires_in=expires_in)
    signed = check_content(signature if padding else signature.rstrip("="), KEY, STORE, 1)
    assert signed is not None
    assert bool(signed.expires_at) == (expires_in is not None)


def test_what_we_sign_opens_until_it_ends():
    assert check_content(sign_content(KEY, STORE, 0), KEY, STORE, NOW)
    signed = check_content(sign_content(KEY, STORE, NOW + 1), KEY, STORE, NOW)
    assert signed is not None
    assert signed.expires_at == NOW + 1
    assert check_record(sign_record(KEY, STORE, "a/b c"), KEY, STORE, "a/b c", NOW)


def test_the_key_is_derived_from_secret_storage_and_counter(settings):
    assert signing_key(STORE, 0) == KEY
    assert len({KEY, signing_key(STORE, 1), signing_key(new_id(), 0)}) == 3
    settings.SECRET_KEY = "another secret"
    assert signing_key(STORE, 0) != KEY


def test_a_record_signature_with_an_end_opens_that_record_until_then():
    signature = sign_record_until(KEY, STORE, "OUTPUT", NOW + 1)
    signed = check_record(signature, KEY, STORE, "OUTPUT", NOW)
    assert signed is not None
    assert signed.expires_at == NOW + 1
    assert check_record(signature, KEY, STORE, "OUTPUT", NOW + 1) is None
    assert check_record(signature, KEY, STORE, "INPUT", NOW) is None
    assert check_record(signature, signing_key(STORE, 1), STORE, "OUTPUT", NOW) is None
    assert check_content(signature, KEY, STORE, NOW) is None


def test_a_client_cannot_mint_a_record_signature_with_an_end_by_signing_a_record_of_a_fitting_name():
    minted = mac(KEY, f"r.0.{STORE}.SECRET")
    forged = base64.urlsafe_b64encode(f"r.0.{minted}".encode()).decode()
    assert check_record(forged, KEY, STORE, "SECRET", NOW) is None
