"""Whether the row of a registered link says what was signed: its digest, made anew from what the row holds.

The signature itself is kept nowhere. All that goes into it is known, but for the secret and the counters of that time.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from django.utils.crypto import salted_hmac

from accounts.holders import Holder
from accounts.lib.timestamps import milliseconds
from sharing.signatures import (
    Format,
    HeldSigner,
    KeySource,
    SignedContent,
    canonical_text,
    digest,
    fingerprints,
    keys_from_before_holders,
    mac,
    secrets,
    sign_content,
)


class Registered(Protocol):
    """The columns of a registered link that are signed, and of whom it is; of the model of any migration.

    Those of later migrations have `made_by_member`, too.
    """

    resource_id: str
    opens: str
    record_key: str
    made_by_id: str | None
    expires_at: datetime
    digest: "bytes | memoryview[int]"  # the latter has no parameters when the program runs


def find_secret(link: Registered, link_counter: int, owner_link_counter: int) -> str:
    """Return the fingerprint of the secret by which the link has its digest, "" where it has it by none that is known.

    The counters are those of the storage and its owner now; a link goes on when they are raised, so lower ones are
    tried too.
    """
    kept = bytes(link.digest)
    for by_storage in range(link_counter, -1, -1):
        for by_owner in range(owner_link_counter, -1, -1):
            source = KeySource(link.resource_id, by_storage, by_owner)
            for fingerprint, text in _texts(link, source):
                if digest(link.resource_id, link.record_key, SignedContent(link.opens), text) == kept:
                    return fingerprint
    return ""


def _texts(link: Registered, source: KeySource) -> Iterator[tuple[str, str]]:
    """Yield each text that the link's signature may have, with the fingerprint of its secret."""
    opens, expires_at = SignedContent(link.opens), milliseconds(link.expires_at)
    for secret, fingerprint, old_key in zip(secrets(), fingerprints(), keys_from_before_holders(source), strict=True):
        if link.made_by_id:
            holder = Holder(link.made_by_id, "", getattr(link, "made_by_member", None) or "")
            made = HeldSigner(source, holder.code, secret)
            yield fingerprint, canonical_text(made.sign(opens, expires_at, link.record_key))
        yield fingerprint, _text_from_before_holders(link, old_key, expires_at, secret)


def _text_from_before_holders(link: Registered, key: str, expires_at: int, secret: str) -> str:
    """Return the text that the version before holders signed, by the one key that a storage had."""
    if link.opens == SignedContent.CONTENT:
        return canonical_text(sign_content(key, link.resource_id, expires_at))
    own_key = salted_hmac("sharing.signatures.record", key, secret=secret, algorithm="sha256").hexdigest()
    signed = f"{Format.RECORD_UNTIL}.{expires_at}"
    return f"{signed}.{mac(own_key, f'{signed}.{link.resource_id}.{link.record_key}')}"
