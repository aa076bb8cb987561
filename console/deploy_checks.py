"""What `manage.py check --deploy` says of a deployment that others are to reach: the README's chapter "Going public".

Each check is a line of that chapter. `manage.py serve` prints them too where others can reach the server. Django's own
checks of a deployment (DEBUG, cookies, HSTS, SECRET_KEY) come besides.
"""

import os
import stat
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.db import Error

from accounts import published_password
from accounts.deployment.exposure import is_loopback_host
from accounts.deployment.sign_up_policy import SignUp, policy
from accounts.models import Account, AccountGeneralAccess
from resources.sandbox.bubblewrap import IsolationMissing, isolation

TAG = "going_public"
MANY_MISSES = 1000
_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def messages() -> list[CheckMessage]:
    """Return what is still to be done before others use this deployment."""
    return checks.run_checks(tags=[TAG], include_deployment_checks=True)


def _deploy(check: Callable[[], list[CheckMessage]]) -> Callable[[], list[CheckMessage]]:
    """Register a check of a deployment; without a database there is nothing to say about what is in it."""

    def checked(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
        try:
            return check()
        except Error:
            return []

    checks.register(checked, TAG, deploy=True)
    return check


@_deploy
def public_url() -> list[CheckMessage]:
    """PUBLIC_URL is what users type, with https."""
    url = urlsplit(settings.PUBLIC_URL)
    if url.scheme == "https" and not is_loopback_host(url.hostname or ""):
        return []
    hint = "Set PUBLIC_URL to the https address that users open; a proxy in front of Latchkey ends TLS."
    said = f"PUBLIC_URL is {settings.PUBLIC_URL}: links lead there, and session cookies travel without TLS."
    return [checks.Warning(said, hint=hint, id="console.W001")]


@_deploy
def proxy() -> list[CheckMessage]:
    """The proxy in front is believed, and counted, or every client has its address."""
    found: list[CheckMessage] = []
    if urlsplit(settings.PUBLIC_URL).scheme == "https" and settings.SECURE_PROXY_SSL_HEADER is None:
        hint = "Set TRUST_PROXY=1, and have the proxy set X-Forwarded-Proto and X-Forwarded-For."
        said = "PUBLIC_URL is https, and the proxy that ends TLS is not believed (TRUST_PROXY is 0)."
        found.append(checks.Warning(said, hint=hint, id="console.W002"))
    if settings.SECURE_PROXY_SSL_HEADER is not None and settings.ALLAUTH_TRUSTED_PROXY_COUNT < 1:
        hint = "Set TRUSTED_PROXY_COUNT to the number of proxies of yours that add to X-Forwarded-For."
        said = "All clients have the address of the proxy, so that rate limits count them as one."
        found.append(checks.Warning(said, hint=hint, id="console.W003"))
    return found


@_deploy
def plain_http() -> list[CheckMessage]:
    """With a proxy on this machine, the server itself listens on loopback."""
    host = (os.environ.get("HOST") or "").strip("[]")
    if settings.SECURE_PROXY_SSL_HEADER is None or is_loopback_host(host):
        return []
    hint = "Set HOST=127.0.0.1 where the proxy is on this machine, else let only the proxy reach the port."
    said = "The server may listen on all addresses: clients that go around the proxy choose what X-Forwarded-For says."
    return [checks.Info(said, hint=hint, id="console.I001")]


@_deploy
def allowed_hosts() -> list[CheckMessage]:
    """ALLOWED_HOSTS names hosts."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    hint = "Name the hosts that users open. PUBLIC_URL is allowed without being named."
    return [checks.Warning("ALLOWED_HOSTS allows every host name.", hint=hint, id="console.W004")]


@_deploy
def demo() -> list[CheckMessage]:
    """The demo is off, or its accounts have passwords of their own."""
    found: list[CheckMessage] = []
    published = [account.username for account in published_password.accounts_with_published_password()]
    if published:
        hint = "Give each another password by the link that `manage.py reset_link USERNAME` prints, or suspend it."
        said = f"These accounts of the demo still have its published password: {', '.join(published)}."
        found.append(checks.Warning(said, hint=hint, id="console.W005"))
    if _is_on("DEMO") and not Account.objects.exists():
        said = "The first start adds the demo, with four accounts."
        found.append(checks.Warning(said, hint="Set DEMO=0.", id="console.W006"))
    return found


@_deploy
def sign_up() -> list[CheckMessage]:
    """Sign-up is by invitation, or closed."""
    if policy() is not SignUp.OPEN:
        return []
    hint = "Set SIGN_UP=invited, and invite users by `manage.py invite EMAIL`; or SIGN_UP=closed."
    return [
        checks.Warning("Every user who comes can make an account, and run code here.", hint=hint, id="console.W007")
    ]


@_deploy
def isolated_runs() -> list[CheckMessage]:
    """Runs and builds are kept from the server, and from what only this machine reaches."""
    found: list[CheckMessage] = []
    why = _why_not_isolated()
    if why:
        hint = "Install bubblewrap and passt (Debian's packages) where workers run, and leave RUN_ISOLATION=auto."
        found.append(checks.Warning(f"Runs and builds are not isolated. {why}", hint=hint, id="console.W008"))
    if settings.RUN_NETWORK == "shared":
        hint = "Leave RUN_NETWORK=auto, and name what Actors need besides in RUN_NETWORK_ALLOW."
        said = "Runs and builds reach everything that this machine reaches (RUN_NETWORK is shared)."
        found.append(checks.Warning(said, hint=hint, id="console.W009"))
    return found


@_deploy
def not_root() -> list[CheckMessage]:
    """Neither the server nor a worker runs as root."""
    if os.geteuid() != 0:
        return []
    hint = "Make a user for Latchkey that owns DATA_DIR, and run the server and the workers as this user."
    return [
        checks.Warning("This command runs as root; the server and its workers must not.", hint=hint, id="console.W010")
    ]


@_deploy
def email() -> list[CheckMessage]:
    """Emails are sent, by TLS."""
    if not settings.EMAIL_HOST:
        hint = "Set EMAIL_HOST and DEFAULT_FROM_EMAIL. Until then, `manage.py reset_link` prints links."
        said = "No mail server is set up: users cannot reset a password or verify an email, and hear of nothing."
        return [checks.Warning(said, hint=hint, id="console.W011")]
    if not settings.EMAIL_USE_TLS and not is_loopback_host(settings.EMAIL_HOST):
        said = "Emails, with links to reset passwords, travel to the mail server without TLS."
        return [checks.Warning(said, hint="Set EMAIL_USE_TLS=1.", id="console.W012")]
    return []


@_deploy
def secrets() -> list[CheckMessage]:
    """DATA_DIR and the secret in it are for the server's user only."""
    found: list[CheckMessage] = []
    for path in (settings.DATA_DIR, settings.DATA_DIR / "secret-key"):
        if path.exists() and path.stat().st_mode & _FOR_OTHERS:
            hint = f"chmod {'700' if path.is_dir() else '600'} {path}"
            found.append(checks.Warning(f"Other users of this machine can read {path}.", hint=hint, id="console.W013"))
    return found


@_deploy
def database() -> list[CheckMessage]:
    """PostgreSQL on another machine is reached by TLS."""
    url = urlsplit(os.environ.get("DATABASE_URL", ""))
    if not url.hostname or is_loopback_host(url.hostname):
        return []
    if dict(parse_qsl(url.query)).get("sslmode") in ("require", "verify-ca", "verify-full"):
        return []
    hint = "Add ?sslmode=verify-full (or require) to DATABASE_URL."
    return [checks.Warning("The connection to the database may travel without TLS.", hint=hint, id="console.W014")]


@_deploy
def general_access() -> list[CheckMessage]:
    """What new accounts own is Restricted until they choose otherwise."""
    if settings.DEFAULT_GENERAL_ACCESS == AccountGeneralAccess.RESTRICTED:
        return []
    hint = "Set DEFAULT_GENERAL_ACCESS=RESTRICTED if that is not meant. Accounts that there are keep their setting."
    said = "Everyone who has the ID of a run, build or storage of a new account can read it, without an account."
    return [checks.Warning(said, hint=hint, id="console.W015")]


@_deploy
def tokens_in_addresses() -> list[CheckMessage]:
    """API tokens travel in headers, not in addresses, which proxies log."""
    if not settings.API_ACCEPTS_TOKEN_IN_QUERY:
        return []
    hint = "Set API_ACCEPTS_TOKEN_IN_QUERY=0 if your clients send the Authorization header; the official ones do."
    return [checks.Warning("API tokens are accepted in addresses, which proxies log.", hint=hint, id="console.W016")]


@_deploy
def rate_limits() -> list[CheckMessage]:
    """Names cannot be tried by the thousand."""
    if settings.LOOKUP_MISSES <= MANY_MISSES:
        return []
    said = f"A client can ask for {settings.LOOKUP_MISSES} names of accounts and resources in ten minutes."
    return [checks.Warning(said, hint="Leave LOOKUP_MISSES at 100.", id="console.W017")]


@_deploy
def webhooks() -> list[CheckMessage]:
    """Webhooks are sent to public addresses only."""
    inside = [name for name in settings.WEBHOOK_ADDRESSES if name != "public"]
    if not inside:
        return []
    hint = "Every user can send requests there. Keep only what all of them may reach."
    return [checks.Info(f"Webhooks can be sent to {', '.join(inside)}.", hint=hint, id="console.I002")]


def _why_not_isolated() -> str:
    try:
        found = isolation()
    except IsolationMissing as error:
        return str(error)
    return found.why_not or ("" if found.on else "RUN_ISOLATION is none.")


def _is_on(name: str) -> bool:
    return os.environ.get(name, "1").strip().lower() not in ("0", "false", "no", "off")
