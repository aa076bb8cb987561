"""Whether a signature opens what it is shown for: rule 11 of the access model, at the moment of the request.

A registered link (sharing/links/links.py) is recognized by its digest and goes by its row. Any other signature is
checked by the key that it must have been made with, and its holder must still have the access that it hands on.
"""

from dataclasses import dataclass

from django.db import connection

from accounts import holders
from accounts.holders import Holder
from accounts.lib.sql import Statement
from accounts.principal import Principal
from resources.records.keys import collides_with_signature
from sharing.access import Facts, reads_explicitly
from sharing.facts import ResourceAddress, fetch
from sharing.links import link_limits, signing_keys
from sharing.links.links import uses
from sharing.signatures import (
    Format,
    ParsedSignature,
    SignedContent,
    ValidSignature,
    check_content,
    check_held,
    check_record,
    digest,
    parse_signature,
)

# What the server keeps of a signature, by its digest: the link's row, if it is registered, and whether it was refused.
_BYTES = "bytea" if connection.vendor == "postgresql" else "BLOB"
_KNOWN = Statement(f"""
SELECT l.id, l.revoked_at IS NULL AND l.refused_at IS NULL, a.id, a.username, a.email, l.made_by_member,
    EXISTS(SELECT 1 FROM sharing_refusedsignature f WHERE f.digest = d.digest)
FROM (SELECT CAST(%s AS {_BYTES}) AS digest) d
LEFT JOIN sharing_signedlink l ON l.digest = d.digest
LEFT JOIN accounts_account a ON a.id = l.made_by_id AND a.is_active
""")  # noqa: S608  # the one thing put in is a word of ours
_NOTHING = (None, None, None, None, None, None, False)


@dataclass(frozen=True, slots=True)
class _Known:
    """A registered link: whether it was neither revoked nor refused, and who made it, if that account is active."""

    link_id: str
    stands: bool
    maker: Principal | None


def verify(signature: str, facts: Facts, opens: SignedContent, record_key: str = "") -> ValidSignature | None:
    """Return what a signature says if it opens this content or record now, else None.

    It must not have ended, nor have more than the owner's cap left to live, nor ever have been refused for that. The
    holder who made it must still have WRITE, where a client signed it, or READ by an explicit rule, where the server
    made it. A registered link must not be revoked.
    """
    written = parse_signature(signature, opens)
    if written is None or _has_ended(written) or _is_no_record(facts, opens, record_key):
        return None
    kept = digest(facts.id, record_key, opens, written.text)
    known, is_refused = _known(kept)
    if is_refused or (known is not None and not known.stands):
        return None
    if known is not None:
        return _registered(known, written, facts, opens)
    signed = _held(written, facts, opens, record_key) or _by_client(written, facts, opens, record_key)
    if signed is not None and link_limits.is_beyond(signed.expires_at, facts, made_here=written.format is Format.HELD):
        link_limits.refuse(kept, signed, facts)
        return None
    return signed


def _has_ended(written: ParsedSignature) -> bool:
    return written.expires_at != 0 and written.expires_at <= link_limits.now()


def _is_no_record(facts: Facts, opens: SignedContent, record_key: str) -> bool:
    return opens is SignedContent.RECORD and collides_with_signature(record_key, facts.id)


def _known(kept: bytes) -> tuple[_Known | None, bool]:
    link_id, stands, account_id, username, email, member_key, is_refused = _KNOWN.row([kept]) or _NOTHING
    maker = None if account_id is None else Principal(account_id, username, email)
    if maker is not None and member_key:
        maker = holders.load_principal(Holder(maker.account_id or "", "", member_key).code)
    known = None if link_id is None else _Known(link_id, bool(stands), maker)
    return known, bool(is_refused)


def _registered(known: _Known, written: ParsedSignature, facts: Facts, opens: SignedContent) -> ValidSignature | None:
    if known.maker is None or not _may_read(known.maker, facts):
        return None
    if link_limits.is_beyond(written.expires_at, facts, made_here=True):
        link_limits.refuse_link(known.link_id)
        return None
    uses.add(known.link_id)
    return ValidSignature(opens, written.text, written.expires_at)


def _held(written: ParsedSignature, facts: Facts, opens: SignedContent, record_key: str) -> ValidSignature | None:
    found = check_held(written, signing_keys.key_source(facts), opens, record_key)
    if found is None:
        return None
    signed, code = found
    holder = holders.load_principal(code)
    return signed if holder is not None and _may_read(holder, facts) else None


def _by_client(written: ParsedSignature, facts: Facts, opens: SignedContent, record_key: str) -> ValidSignature | None:
    if written.format is not (Format.RECORD if opens is SignedContent.RECORD else Format.CONTENT):
        return None
    found = signing_keys.load_given_keys(facts)
    tried = signing_keys.candidates(facts, found)
    if opens is SignedContent.RECORD:
        signed = check_record(written, tried, facts.id, record_key)
    else:
        signed = check_content(written, tried, facts.id)
    return signed if signed is not None and signing_keys.still_opens(facts, found, signed.key_at) else None


def _may_read(principal: Principal, facts: Facts) -> bool:
    """Ask the decision about the holder, with facts of its own: those at hand are for the sender of the request."""
    found = fetch(ResourceAddress(facts.kind, id=facts.id), principal.account_id, only_facts=True)
    return found is not None and reads_explicitly(principal, found.facts)
