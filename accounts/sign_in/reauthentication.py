"""Tell whether a session signed in recently enough to change something sensitive, or must reauthenticate first."""

import time

from allauth.account import app_settings
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from django.http import HttpRequest


def is_fresh(request: HttpRequest) -> bool:
    """Tell whether the account proved itself on this session within `ACCOUNT_REAUTHENTICATION_TIMEOUT` seconds.

    A sign-in counts, and so does a password, code or passkey that was asked for since. An account that has none of
    these could not answer, and is not asked.
    """
    user = request.user
    if not user.is_authenticated:
        return False
    if not get_reauthentication_flows(user):
        return True
    proofs = [record["at"] for record in get_authentication_records(request, user)]
    return bool(proofs) and time.time() - max(proofs) < app_settings.REAUTHENTICATION_TIMEOUT
