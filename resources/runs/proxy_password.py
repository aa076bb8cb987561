"""The password of an account for the proxies of its runs, which runs of other accounts are not given.

It opens nothing elsewhere: each run has a proxy of its own (`resources/worker/run_proxy.py`).
"""

from django.utils.crypto import salted_hmac


def make_proxy_password(account_id: str) -> str:
    """Return the password of an account, the same one for as long as the server has the same SECRET_KEY."""
    return salted_hmac("resources.runs.proxy_password", account_id, algorithm="sha256").hexdigest()[:32]
