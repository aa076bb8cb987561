"""What was signed or encrypted before modules moved still holds: salts are part of it, and some were modules' names.

The texts were made by the version before, with SECRET and, where they grow old, at SIGNED_AT.
"""

import pytest
from django.contrib.sessions.backends.db import SessionStore as DjangosSessionStore
from django.core import signing
from django.http import HttpResponse

from accounts.deployment import secret_digests
from accounts.lib import encryption
from accounts.principal import Principal
from accounts.sign_in import sign_in_limits
from accounts.sign_in.session_store import SessionStore
from console.backup import manifest
from console.pages.sharing import undo_token
from resources.models import Dataset
from resources.runs import callback_url
from sharing import signatures
from tests.support.upgrade_stage import SECRET

SIGNED_AT = 1_764_000_000.0
RUN = "ftOX4SyzJpdVCd0fh"
ENCRYPTED = "gAAAAABrDFfZr__qIci1UR0I7yv5_34r2SRzmfcs6_NxPqEYZRVVLqgPE1jjztPlAtSOCOu83AetFdl8B8dT58pNpJyFGoFMQg=="
BROWSER = (
    "eyJhYWFhYWFhYWFhYWFhYWFhYSI6ImJiYmJiYmJiYmJiYmJiYmJiYmJiYmIifQ:1vNYyu:Yj2nawWoWbHXDj6eieUDinVhmIfBupvXGvtgmB7pE64"
)
UNDO = (
    "WyJhYWFhYWFhYWFhYWFhYWFhYSIsImJiYmJiYmJiYmJiYmJiYmJiIixbWyJjY2NjY2NjY2NjY2NjY2NjYyIsMSwiRElSRUNUIixudWxsLCJiYmJi"
    "YmJiYmJiYmJiYmJiYiIsIjIwMjUtMTEtMjRUMDA6MDA6MDArMDA6MDAiXV1d:1vNYyu:gJcviaQAfRmTGhtKNGN5XNaGYmNYwAKZRI1VgM9djss"
)


@pytest.fixture(autouse=True)
def same_secret(settings, monkeypatch) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = SECRET, []
    monkeypatch.setattr("django.core.signing.time.time", lambda: SIGNED_AT)


def test_what_is_encrypted_at_rest_is_read():
    assert encryption.decrypt(ENCRYPTED) == "a secret"


def test_the_address_of_a_run_is_known():
    assert callback_url.parse_caller(f"/from/{RUN}.70b7d259693d713b7cc8/v2/users/me") == (RUN, "/v2/users/me")


def test_undo_gives_again_what_was_removed():
    (removed,) = undo_token.unsign(UNDO, Dataset(pk="a" * 17), Principal("b" * 17, "ada", "ada@example.com"))
    assert (removed.account_id, removed.granted_by) == ("c" * 17, "b" * 17)


def test_a_browser_that_signed_in_is_known(ada, rf, settings):
    request = rf.post("/sign-in")
    request.COOKIES[settings.KNOWN_BROWSER_COOKIE_NAME] = BROWSER
    sign_in_limits.remember(request, ada)
    response = sign_in_limits.KnownBrowserMiddleware(lambda _: HttpResponse())(request)
    known = signing.loads(response.cookies[settings.KNOWN_BROWSER_COOKIE_NAME].value, salt="latchkey.known-browser")
    assert known["a" * 17] == "b" * 22
    assert ada.pk in known


def test_secrets_have_the_digests_that_are_stored():
    assert secret_digests.digest(SECRET) == "3a1d21d96355cf2e4ed5d681d809d30c"
    assert manifest.hash_secret(SECRET) == "eb7a2311dda93e4c26fa96c818204708b68c7554b1e24b505fc9703723bc6db1"
    assert signatures.current_fingerprint() == "6ce72db83d340985"


def test_sessions_are_signed_as_djangos_own():
    assert SessionStore().key_salt == DjangosSessionStore().key_salt == "django.contrib.sessions.SessionStore"
