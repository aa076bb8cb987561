"""The fixed cast of people: Ada owns, Ben collaborates, Cleo is a stranger, Dan develops Actors.

Tests with a database ask for them by the fixtures `ada`, `ben`, `cleo` and `dan` (tests/conftest.py).
"""

from allauth.account.models import EmailAddress

from accounts.models import Account

PEOPLE = ("ada", "ben", "cleo", "dan")
PASSWORD = "correct horse battery"


def make_account(username: str, **fields) -> Account:
    """Make an account with PASSWORD and a verified e-mail address, `<username>@example.com`.

    Its new Actors have full permissions, and it runs those of others without approving them, as accounts did before
    there were levels: a test that is about levels says what it is to have.
    """
    values = {"limits_new_actors": False, "skips_actor_approvals": True, **fields}
    account = Account.objects.create_user(username, f"{username}@example.com", PASSWORD, **values)
    EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
    return account
