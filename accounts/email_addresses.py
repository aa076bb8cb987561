"""The one form of an e-mail address: lower case, with the domain in ASCII; pages and e-mails show it in Unicode.

"ada@bücher.example" and "ada@xn--bcher-kva.example" reach the same mailbox, so they are one address here.
"""

import email_validator
import idna
from email_validator import EmailNotValidError, validate_email

# The library refuses ".local" and its like; a deployment on an intranet may use them. It documents this way to do so.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


def normalize(text: str) -> str:
    """Return an address in the form in which it is stored and compared.

    Hosts without a dot and names for private use are accepted, because a deployment may be on an intranet. Whether the
    domain exists is not looked up.

    Raises:
        ValueError: when it is not an address; the message says why.
    """
    try:
        found = validate_email(text.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    return f"{found.local_part}@{found.ascii_domain}".lower()


def normalize_or_lower(text: str) -> str:
    """Return an address as it is stored, and text that is not an address in lower case: it matches no account."""
    try:
        return normalize(text)
    except ValueError:
        return text.strip().lower()


def for_display(email: str) -> str:
    """Return a stored address as people write it, with the domain in Unicode."""
    local, at, domain = email.rpartition("@")
    if "xn--" not in domain:
        return email
    try:
        return f"{local}{at}{idna.decode(domain)}"
    except idna.IDNAError:  # it was stored before domains were checked
        return email
