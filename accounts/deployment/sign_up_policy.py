"""Who can make an account: every user who comes, those who are invited, or only the administrator."""

from enum import StrEnum

from django.conf import settings

from accounts.deployment import exposure, outgoing_email


class SignUp(StrEnum):
    """The values of the setting SIGN_UP."""

    OPEN = "open"
    INVITED = "invited"
    CLOSED = "closed"


def policy() -> SignUp:
    """Return what SIGN_UP says; without it, open on loopback and invited where others can come."""
    if settings.SIGN_UP:
        return SignUp(settings.SIGN_UP)
    return SignUp.INVITED if exposure.exposure_reasons() else SignUp.OPEN


def is_open() -> bool:
    """Tell whether a user can sign up without an invitation now; an account needs an email that can be verified."""
    return policy() is SignUp.OPEN and outgoing_email.can_send()


def why_closed() -> str:
    """Return in a sentence why a user cannot sign up, "" where sign-up is open."""
    if policy() is SignUp.INVITED:
        return "Sign-up on this server is by invitation."
    if policy() is SignUp.CLOSED:
        return "Sign-up on this server is closed."
    return (
        ""
        if outgoing_email.can_send()
        else "Email is not set up on this server, so that no email address can be verified."
    )
