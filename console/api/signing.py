"""What a storage's answer says about pre-signed URLs, according to what the principal may do."""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from resources.kinds import KINDS
from sharing.access import Access, Facts, Reason
from sharing.permissions import Permission
from sharing.signatures import DEFAULT_LIFETIME, sign_content, sign_record, sign_record_until, signing_key

# Who reads for these reasons was given nothing, and so has no right to hand on.
BY_LINK = frozenset({Reason.ANYONE_WITH_ID, Reason.ANYONE_WITH_NAME})


def signed_fields(access: Access, content: str = "", url_field: str = "") -> dict[str, str]:
    """Return the public URL of a storage's content, and the signing key for those with WRITE.

    `content` is the path of the content below the storage, `url_field` what the URL is called; without them there
    is the key alone, for clients know no such URL of a request queue. It is signed for
    whoever has been given access. Somebody who reads by the link alone has no right that they could hand on: they
    get the plain URL, which stops working when the storage is closed.
    """
    facts = access.facts
    key = signing_key(facts.id, facts.link_counter)
    decision = access.decide(Permission.READ)
    fields = {}
    if decision.allowed and url_field:
        url = f"{settings.PUBLIC_URL}/v2/{KINDS[facts.kind].api_path}/{facts.id}/{content}"
        fields[url_field] = url if decision.reason in BY_LINK else f"{url}?signature={_signature(key, facts)}"
    if access.allows(Permission.WRITE):
        fields["urlSigningSecretKey"] = key
    return fields


def record_signer(access: Access) -> Callable[[str], str]:
    """Return what gives the query string that opens a record of a key-value store, by its key; empty for no right.

    Whoever holds the signing key gets the signature that a client would make with it, which has no end. Whoever may
    only read gets one that ends like all links that the server makes, and so does everybody where the owner of the
    store has set how long links may last: one without an end opens nothing there.
    """
    facts = access.facts
    key, expires_at = signing_key(facts.id, facts.link_counter), _expires_at(facts)
    decision = access.decide(Permission.READ)
    if not decision.allowed or decision.reason in BY_LINK:
        return lambda record_key: ""
    if facts.owner_link_days is None and access.allows(Permission.WRITE):
        return lambda record_key: f"?signature={sign_record(key, facts.id, record_key)}"
    return lambda record_key: f"?signature={sign_record_until(key, facts.id, record_key, expires_at)}"


def _signature(key: str, facts: Facts) -> str:
    return sign_content(key, facts.id, _expires_at(facts))


def _expires_at(facts: Facts) -> int:
    """When a link that is made now ends, in milliseconds since 1970: at the owner's cap, where it is the sooner."""
    cap = facts.owner_link_days
    lifetime = DEFAULT_LIFETIME if cap is None else min(DEFAULT_LIFETIME, timedelta(days=cap))
    return int((timezone.now() + lifetime).timestamp() * 1000)
