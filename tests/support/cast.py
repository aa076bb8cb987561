"""The fixed cast of people: Ada owns, Ben collaborates, Cleo is a stranger, Dan develops Actors.

Tests with a database ask for them by the fixtures `ada`, `ben`, `cleo` and `dan` (tests/conftest.py).
"""

from allauth.account.models import EmailAddress

from accounts.models import Account

PEOPLE = ("ada", "ben", "cleo", "dan")
PASSWORD = "correct horse battery"


def make_account(username: str, **fields) -> Account:
    """Make an account with PASSWORD and a verified e-mail address, `<username>@example.com`.

    Its new Actors have full permissions, as those of accounts from before there were levels: a test whose runs are to
    have limited permissions says so.
    """
    values = {"limits_new_actors": False, **fields}
    account = Account.objects.create_user(username, f"{username}@example.com", PASSWORD, **values)
    EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
    return account
