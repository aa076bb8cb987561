"""Registered links: the digest by which each is recognized is that of what its row says.

A link that is not recognized passes for one on no list: it opens although it was revoked.
"""

from collections.abc import Iterator

from django.db.models import Q
from django.db.models.functions import Length

from sharing.links.link_digests import find_secret
from sharing.models import RefusedSignature, SignedLink
from sharing.signatures import fingerprints

_DIGEST_BYTES = 32


def problems() -> Iterator[str]:
    """Yield registered links with another digest than their row gives, and refused signatures with no digest.

    The digest of a link cannot be made anew where its maker is gone, or its secret is not known any more.
    """
    can_be_made = Q(secret="") | Q(secret__in=fingerprints())
    links = SignedLink.objects.filter(can_be_made).exclude(made_by=None).select_related("resource__owner")
    for link in links.order_by("pk").iterator(chunk_size=500):
        found = find_secret(link, link.resource.link_counter, link.resource.owner.link_counter)
        if not found or link.secret not in ("", found):
            yield f"Link {link.pk} to {link.resource_id}: its digest is not that of what its row says."
    cut = RefusedSignature.objects.annotate(length=Length("digest")).exclude(length=_DIGEST_BYTES).order_by("pk")
    for id_, resource_id in cut.values_list("pk", "resource_id"):
        yield f"Refused signature {id_} of {resource_id}: what is kept of it is no digest."
