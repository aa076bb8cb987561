"""API fields with the pre-signed URL and signing key of a storage."""

from collections.abc import Callable

from django.conf import settings

from resources.kinds import KINDS
from sharing.access import Access
from sharing.links import links, signing_keys
from sharing.permissions import Permission
from sharing.signatures import SignedContent


def signed_fields(access: Access, content: str = "", url_field: str = "") -> dict[str, str]:
    """Return the public URL of a storage's content, and the signing key of the principal, if it may sign.

    `content` is the path of the content below the storage, `url_field` the field of its URL; without them there is only
    the key, for clients know no such URL of a request queue. Where the principal can make no link, the URL has no
    signature and opens only what anyone may read.
    """
    facts = access.facts
    fields = {}
    if url_field and access.allows(Permission.READ):
        sign = links.signer(access, SignedContent.CONTENT)
        url = f"{settings.PUBLIC_URL}/v2/{KINDS[facts.kind].api_path}/{facts.id}/{content}"
        fields[url_field] = f"{url}?signature={sign('')}" if sign else url
    key = signing_keys.give_key(access)
    if key is not None:
        fields["urlSigningSecretKey"] = key
    return fields


def record_signer(access: Access) -> Callable[[str], str]:
    """Return what gives the query string that opens a record of a key-value store, by its key; empty for no right."""
    sign = links.signer(access, SignedContent.RECORD)
    return lambda record_key: f"?signature={sign(record_key)}" if sign else ""
