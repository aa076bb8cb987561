"""Stop clients that guess names of accounts or resources.

Only names that find nothing are counted, so a script may work with a thousand names of its own. Who asks is the
account, whatever its token, else the client's address, an IPv6 address with its whole network.
"""

from allauth.core.internal import ratelimit
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from accounts.lib import rate_limits
from accounts.principal import Principal

PER_SECONDS = 600


def client_key(request: HttpRequest, principal: Principal) -> str:
    """Return what a lookup is counted by: the ID of an account, or the address of an anonymous client.

    Only as many proxies are believed about the address as the deployment has.
    """
    return principal.account_id or str(ratelimit.get_ip(request))


def is_limited(what: str, who: str) -> bool:
    """Tell whether `who` has named too many of `what` lately that there are not. This counts nothing."""
    return bool(cache.get(_stopped(what, who)))


def count_miss(what: str, who: str) -> bool:
    """Count a name of `what` that found nothing, and tell whether `who` has named too many of them."""
    if is_limited(what, who):
        return True
    if rate_limits.count_use(f"{what}_lookup_missed", who, settings.LOOKUP_MISSES, PER_SECONDS):
        return False
    cache.set(_stopped(what, who), True, PER_SECONDS)
    return True


def _stopped(what: str, who: str) -> str:
    return f"{what}_lookup_missed:stopped:{who}"
