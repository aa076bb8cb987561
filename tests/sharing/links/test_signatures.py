"""Signatures: what is refused, then what opens, against the official client's own code."""

import base64
import string
from datetime import timedelta

import pytest
from apify_client._utils.crypto import create_hmac_signature, create_storage_content_signature
from hypothesis import given
from hypothesis import strategies as st

from accounts.lib.ids import new_id
from resources.records.keys import collides_with_signature
from sharing import signatures
from sharing.signatures import (
    Format,
    HeldSigner,
    KeySource,
    SignedContent,
    ValidSignature,
    fingerprints,
    holder_keys,
    mac,
    sign_content,
    sign_record,
    signing_key,
)

STORE = "abcdefghijklmnopq"
ADA, BEN = "aada45678901234567", "tben45678901234567"
OF = KeySource(STORE, 0, 0)
KEY = signing_key(OF, ADA)
NOW = 1_800_000_000_000
DIGITS = string.digits + string.ascii_letters


def check_content(signature: str, key: str = KEY, store: str = STORE) -> ValidSignature | None:
    written = signatures.parse_signature(signature, SignedContent.CONTENT)
    return None if written is None else signatures.check_content(written, [key], store)


def check_record(signature: str, record_key: str, key: str = KEY) -> ValidSignature | None:
    written = signatures.parse_signature(signature, SignedContent.RECORD)
    return None if written is None else signatures.check_record(written, [key], STORE, record_key)


def check_held(
    signature: str, opens: SignedContent, record_key: str = "", of: KeySource = OF
) -> tuple[ValidSignature, str] | None:
    written = signatures.parse_signature(signature, opens)
    return None if written is None else signatures.check_held(written, of, opens, record_key)


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
    assert check_content(signature) is None
    assert check_record(signature, "OUTPUT") is None
    for opens in SignedContent:
        assert check_held(signature, opens, "OUTPUT") is None


def test_truncated_foreign_and_revoked_signatures_are_refused():
    signature = sign_content(KEY, STORE, NOW + 1)
    for length in range(len(signature)):
        assert check_content(signature[:length]) is None
    other = new_id()
    assert check_content(signature, signing_key(KeySource(other, 0, 0), ADA), other) is None
    assert check_content(signature, KEY, other) is None
    for source, holder in ((KeySource(STORE, 1, 0), ADA), (KeySource(STORE, 0, 1), ADA), (OF, BEN)):
        assert check_content(signature, signing_key(source, holder)) is None


def test_a_later_end_cannot_be_written_into_a_signature():
    held = HeldSigner(OF, ADA).sign(SignedContent.CONTENT, NOW + 1)
    for signature, check in (
        (sign_content(KEY, STORE, NOW + 1), check_content),
        (held, lambda forged: check_held(forged, SignedContent.CONTENT)),
    ):
        assert check(signature)
        payload = base64.urlsafe_b64decode(signature + "==").decode().split(".")
        for end in ("0", str(NOW * 2)):
            forged = base64.urlsafe_b64encode(".".join([payload[0], end, payload[2]]).encode()).decode()
            assert check(forged) is None


def test_a_record_signature_opens_no_other_record_and_no_content():
    signature = sign_record(KEY, STORE, "OUTPUT")
    assert check_record(signature, "OUTPUT.json") is None
    assert check_record(signature, "INPUT") is None
    assert check_content(signature) is None
    assert check_record(sign_content(KEY, STORE, 0), "OUTPUT") is None


@given(st.integers(min_value=0, max_value=10**15), st.sampled_from(["0", "1", "h", "r", ""]))
def test_a_record_key_cannot_mint_a_content_signature(end, version):
    key = f"{version}.{end}.{STORE}"
    assert collides_with_signature(key, STORE)
    with pytest.raises(ValueError, match="cannot be signed"):
        sign_record(KEY, STORE, key)
    assert check_record(mac(KEY, key), key) is None
    assert not collides_with_signature(key, new_id())


@given(st.text(min_size=1, max_size=50))
def test_the_official_client_and_we_compute_the_same(message):
    assert mac(KEY, message) == create_hmac_signature(KEY, message)
    assert check_record(create_hmac_signature(KEY, message), message)


@given(st.text(min_size=1, max_size=50), st.sampled_from([None, "00", "0"]))
def test_a_code_that_is_written_in_another_way_is_no_signature(message, before):
    """One signature has one text, so that a link that was revoked is not opened by a second one."""
    signature = mac(KEY, message)
    larger = _base62(_number(signature) + 2**120)
    for other in (f"{before}{signature}" if before else signature[::-1], signature + "=", larger):
        assert other == signature or check_record(other, message) is None


def _number(text: str) -> int:
    number = 0
    for digit in text:
        number = number * 62 + DIGITS.index(digit)
    return number


def _base62(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return text


@pytest.mark.parametrize("expires_in", [None, timedelta(days=14)])
@pytest.mark.parametrize("padding", [True, False])
def test_what_the_official_client_signs_opens(expires_in, padding):
    signature = create_storage_content_signature(STORE, KEY, expires_in=expires_in)
    signed = check_content(signature if padding else signature.rstrip("="))
    assert signed is not None
    assert bool(signed.expires_at) == (expires_in is not None)


def test_what_we_sign_opens():
    assert check_content(sign_content(KEY, STORE, 0))
    signed = check_content(sign_content(KEY, STORE, NOW + 1))
    assert signed is not None
    assert signed.expires_at == NOW + 1
    assert check_record(sign_record(KEY, STORE, "a/b c"), "a/b c")


def test_the_key_is_derived_from_secret_storage_counters_and_holder(settings):
    others = [KeySource(STORE, 1, 0), KeySource(STORE, 0, 1), KeySource(new_id(), 0, 0)]
    assert signing_key(OF, ADA) == KEY
    assert len({KEY, signing_key(OF, BEN), *(signing_key(each, ADA) for each in others)}) == 5
    assert len({signing_key(KeySource(STORE, *counters), ADA) for counters in ((1, 11), (11, 1))}) == 2
    settings.SECRET_KEY = "another secret"
    assert signing_key(OF, ADA) != KEY


def test_a_key_of_a_secret_from_before_is_tried_too(settings):
    before = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new secret", ["not this one", before]
    now, _, old = fingerprints()
    assert holder_keys(OF, [(BEN, now), (ADA, old)]) == [signing_key(OF, BEN), KEY]
    assert signing_key(OF, ADA) == holder_keys(OF, [(ADA, now)])[0] != KEY
    settings.SECRET_KEY_FALLBACKS = []
    assert fingerprints() == [now]
    with pytest.raises(KeyError):
        holder_keys(OF, [(ADA, old)])


RECORD_LINK = HeldSigner(OF, BEN).sign(SignedContent.RECORD, NOW + 1, "OUTPUT")
CONTENT_LINK = HeldSigner(OF, ADA).sign(SignedContent.CONTENT, NOW + 1)


def test_a_link_of_the_server_names_its_holder_and_opens_one_thing(settings):
    signed, holder = check_held(RECORD_LINK, SignedContent.RECORD, "OUTPUT") or (None, "")
    assert (signed.opens, signed.expires_at, holder) == (SignedContent.RECORD, NOW + 1, BEN)
    assert (check_held(CONTENT_LINK + "==", SignedContent.CONTENT) or (None, ""))[1] == ADA
    assert check_held(RECORD_LINK, SignedContent.RECORD, "INPUT") is None
    assert check_held(RECORD_LINK, SignedContent.CONTENT) is None
    assert check_held(CONTENT_LINK, SignedContent.RECORD, "OUTPUT") is None
    for other in (KeySource(STORE, 1, 0), KeySource(STORE, 0, 1), KeySource(new_id(), 0, 0)):
        assert check_held(CONTENT_LINK, SignedContent.CONTENT, of=other) is None
    before = settings.SECRET_KEY
    settings.SECRET_KEY = "a new secret"
    assert check_held(CONTENT_LINK, SignedContent.CONTENT) is None
    settings.SECRET_KEY_FALLBACKS = [before]
    assert check_held(CONTENT_LINK, SignedContent.CONTENT)


def test_a_link_of_the_server_does_not_tell_who_made_it():
    """Neither by a name in it, nor by a part that is the same in two links of one holder."""
    links = [HeldSigner(OF, ADA).sign(SignedContent.RECORD, NOW + n, key) for n in (1, 2) for key in ("A", "B")]
    proofs = [base64.urlsafe_b64decode(base64.urlsafe_b64decode(each + "==").decode().split(".")[2]) for each in links]
    assert all(ADA.encode() not in proof for proof in proofs)
    for at in range(0, 36, 6):
        assert len({proof[at : at + 6] for proof in proofs}) == len(links)


@given(st.binary(min_size=36, max_size=36), st.sampled_from(list(SignedContent)))
def test_what_was_not_made_here_names_nobody(proof, opens):
    payload = f"h.{NOW}.{base64.urlsafe_b64encode(proof).decode()}"
    forged = base64.urlsafe_b64encode(payload.encode()).decode()
    written = signatures.parse_signature(forged, opens)
    assert written is not None
    assert written.format is Format.HELD
    assert check_held(forged, opens, "OUTPUT") is None


def test_a_changed_link_of_the_server_is_refused():
    payload = base64.urlsafe_b64decode(CONTENT_LINK + "==")
    for at in range(len(payload)):
        for bit in (1, 2, 32):
            changed = payload[:at] + bytes([payload[at] ^ bit]) + payload[at + 1 :]
            assert check_held(base64.urlsafe_b64encode(changed).decode(), SignedContent.CONTENT) is None


@pytest.mark.parametrize("format", ["h", "r"])
def test_a_client_cannot_mint_a_link_of_the_server_by_signing_a_record_of_a_fitting_name(format):
    """What a holder signs with its key is a link with no end, but never one that names another holder."""
    for message in (f"{format}.0.{STORE}.SECRET", f"tag.RECORD.0.{STORE}.{ADA}.SECRET"):
        minted = mac(KEY, message)
        forged = base64.urlsafe_b64encode(f"{format}.0.{minted}".encode()).decode()
        assert check_record(forged, "SECRET") is None
        assert check_held(forged, SignedContent.RECORD, "SECRET") is None
        assert check_content(forged) is None
