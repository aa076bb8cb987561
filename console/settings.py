"""Settings: every choice of a deployment comes from the environment, and the defaults need nothing installed."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONCE, NONE, SELF

from console.logging import configuration
from console.server.private_files import keep_private
from console.server.secret_keys import fallbacks, secret_key
from resources.sandbox.network import allowed, upstreams

BASE_DIR = Path(__file__).resolve().parent.parent


def _flag(name: str, default: bool) -> bool:
    return os.environ.get(name, "1" if default else "0").strip().lower() in ("1", "true", "yes", "on")


def _list(name: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


DATA_DIR = Path(os.environ.get("DATA_DIR") or BASE_DIR / "data").resolve()
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
keep_private(DATA_DIR)


SECRET_KEY = secret_key(DATA_DIR)
# What was signed or encrypted with one of these still holds. `manage.py rotate_secret` writes them.
SECRET_KEY_FALLBACKS = fallbacks(DATA_DIR)
DEBUG = _flag("DEBUG", False)

# Console links, e-mails and `consoleUrl` are built from this and never from the Host header.
PUBLIC_URL = (os.environ.get("PUBLIC_URL") or f"http://localhost:{os.environ.get('PORT', '8000')}").rstrip("/")
_public = urlsplit(PUBLIC_URL)
SERVED_OVER_TLS = _public.scheme == "https"
ALLOWED_HOSTS = [*{_public.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"}, *_list("ALLOWED_HOSTS")]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]

INSTALLED_APPS = [
    "accounts",
    "resources",
    "sharing",
    "console",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "csp",
    "heroicons",
    "django_tasks",
    "django_tasks_db",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "console.middleware.NoStoreMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.sign_in.sessions.SessionActivityMiddleware",
    "accounts.sign_in.sign_in_limits.KnownBrowserMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.middleware.SessionPrincipalMiddleware",
    "sharing.middleware.AccessMiddleware",
    # In this order: whether a request is allowed, how large its form may be, and then what is in the form.
    "console.http.form_limits.FormBodyMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "console.middleware.ShownAccountMiddleware",
    "console.middleware.MethodNotAllowedMiddleware",
]

ROOT_URLCONF = "console.urls"
WSGI_APPLICATION = "console.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["heroicons.templatetags.heroicons", "console.templatetags.console"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    },
]

# Some builds of SQLite write zeros over all that is deleted: on a full disk there is no space to log them, and what is
# large could not be deleted any more. "FAST" does so where it costs no writing.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
        "PRAGMA cache_size=-16384; PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY; "
        "PRAGMA secure_delete=FAST;"
    ),
}


DATABASE_TIMEOUT = 3  # seconds to wait for a connection
DATABASE_SILENCE = 10  # seconds after which a silent host is asked whether it is there


def _database() -> dict[str, Any]:
    """Return the database: PostgreSQL by DATABASE_URL, else the embedded SQLite in the data directory.

    The URL is `postgresql://user:password@host:port/name?option=value`.
    """
    url = urlsplit(os.environ.get("DATABASE_URL", ""))
    if not url.scheme:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "latchkey.sqlite3",
            "OPTIONS": SQLITE_OPTIONS,
            "CONN_MAX_AGE": None,
        }
    if url.scheme not in ("postgres", "postgresql"):
        raise ValueError(f"DATABASE_URL: {url.scheme} is not supported; use postgresql://, or none for SQLite.")
    return {
        "ENGINE": "accounts.lib.postgresql",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname or "",
        "PORT": str(url.port or ""),
        "OPTIONS": {
            # A database that is not there is an answer within seconds, on /healthz too, and not a thread that hangs.
            "connect_timeout": str(DATABASE_TIMEOUT),
            # The same for a host that is gone, to which nothing goes through. Who asks the other end, which may be a
            # proxy that acknowledges everything: accounts/lib/postgresql/base.py.
            "tcp_user_timeout": str(DATABASE_SILENCE * 1000),
            "keepalives_idle": str(DATABASE_SILENCE),
            "keepalives_interval": "2",
            "keepalives_count": "3",
            **dict(parse_qsl(url.query, keep_blank_values=True)),
            # The server binds, so that bytes travel in binary; the pool keeps prepared statements alive.
            "server_side_binding": True,
            "prepare_threshold": 2,
            "pool": {
                "min_size": 1,
                "max_size": int(os.environ.get("DATABASE_POOL_SIZE", "8")),
                # It is waited twice, and asked in between whether the database is there. What cannot connect does not
                # try again by itself: the next request does.
                "timeout": DATABASE_TIMEOUT / 2,
                "reconnect_timeout": 1,
            },
        },
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Accounts and sign-in (django-allauth, with our own pages).
AUTH_USER_MODEL = "accounts.Account"
AUTHENTICATION_BACKENDS = [
    "accounts.published_password.PublishedPasswordBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
    "sharing.backends.ResourceBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.published_password.PublishedPasswordValidator"},
    {"NAME": "accounts.sign_up.password_strength.GuessablePasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
# Who can make an account: open, invited (links from `manage.py invite`) or closed (only `manage.py create_account`).
# Without it, open on loopback and invited where others can come (accounts/deployment/sign_up_policy.py).
SIGN_UP = os.environ.get("SIGN_UP", "")
if SIGN_UP not in ("", "open", "invited", "closed"):
    raise ValueError(f"SIGN_UP must be open, invited or closed, not {SIGN_UP[:20]!r}.")
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "console.pages.account.forms.SignInForm",
    "signup": "console.pages.account.forms.SignUpForm",
    "reset_password": "console.pages.account.forms.ResetPasswordForm",
    "reset_password_from_key": "console.pages.account.forms.NewPasswordForm",
    "user_token": "console.pages.account.forms.ResetLinkForm",
    "reauthenticate": "console.pages.account.forms.ConfirmPasswordForm",
    "change_password": "console.pages.account.forms.ChangePasswordForm",
    "set_password": "console.pages.account.forms.SetPasswordForm",
    "add_email": "console.pages.account.forms.ChangeEmailForm",
}
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # only in the browser session that signed up
ACCOUNT_EMAIL_CONFIRMATION_ANONYMOUS_REDIRECT_URL = "/sign-in"
ACCOUNT_EMAIL_CONFIRMATION_AUTHENTICATED_REDIRECT_URL = "/settings"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_SESSION_REMEMBER = True
# accounts/sign_in/sign_in_limits.py counts passwords, also those of each address. "login_failed" counts only codes and
# passkeys of the second step, by account: the client has given the password by then.
ACCOUNT_RATE_LIMITS = {"login": "", "login_failed": "10/5m/key"}
ACCOUNT_LOGOUT_REDIRECT_URL = "/sign-in"
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
MFA_ADAPTER = "accounts.adapters.MfaAdapter"
MFA_FORMS = {
    "authenticate": "console.pages.account.two_factor_forms.CodeForm",
    "authenticate_webauthn": "console.pages.account.two_factor_forms.PasskeyForm",
    "reauthenticate": "console.pages.account.two_factor_forms.ConfirmCodeForm",
    "reauthenticate_webauthn": "console.pages.account.two_factor_forms.ConfirmPasskeyForm",
    "login_webauthn": "console.pages.account.two_factor_forms.PasskeySignInForm",
    "activate_totp": "console.pages.account.two_factor_forms.ActivateAppForm",
    "add_webauthn": "console.pages.account.two_factor_forms.AddPasskeyForm",
    "edit_webauthn": "console.pages.account.two_factor_forms.RenamePasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Latchkey"
# An address is verified before its account can sign in; this is about changing it afterwards.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# X-Forwarded-For is believed only where TRUSTED_PROXY_COUNT says how many proxies add to it.
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("TRUSTED_PROXY_COUNT", "1" if _flag("TRUST_PROXY", False) else "0"))
DEFAULT_GENERAL_ACCESS = os.environ.get("DEFAULT_GENERAL_ACCESS", "ANYONE_WITH_ID_CAN_READ")

# Rate limits must hold across worker processes, so they are counted in the database (accounts/models.py).
CACHES = {
    "default": {
        "BACKEND": "accounts.counter_cache.CounterCache",
        "LOCATION": "accounts_cacheentry",
        "OPTIONS": {"MAX_ENTRIES": 20_000},  # from then on what has expired is deleted
    },
    # What each process may remember by itself.
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 20_000}},
}

# Sessions and cookies. A session ends after 14 days without use, and 90 days after the sign-in
# (accounts/sign_in/sessions.py).
SESSION_COOKIE_AGE = ACCOUNT_SESSION_COOKIE_AGE = 14 * 24 * 60 * 60
# Browsers keep a cookie with this prefix to the very host that set it, over TLS.
_cookie_prefix = "__Host-" if SERVED_OVER_TLS else ""
SESSION_COOKIE_NAME = f"{_cookie_prefix}sessionid"
CSRF_COOKIE_NAME = f"{_cookie_prefix}csrftoken"
MESSAGES_COOKIE_NAME = f"{_cookie_prefix}messages"
KNOWN_BROWSER_COOKIE_NAME = f"{_cookie_prefix}known_browser"
MESSAGE_STORAGE = "console.http.message_storage.MessageStorage"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SERVED_OVER_TLS
SESSION_COOKIE_HTTPONLY = True
SESSION_ENGINE = "accounts.sign_in.session_store"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "console.pages.account.sign_in.csrf_failure"

# What browsers are told.
SECURE_HSTS_SECONDS = 31_536_000 if SERVED_OVER_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SERVED_OVER_TLS
SECURE_SSL_REDIRECT = False
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _flag("TRUST_PROXY", False) else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# The proxy that ends TLS redirects to it; what arrives here is decrypted already, and would be redirected for ever.
SILENCED_SYSTEM_CHECKS = ["security.W008"]
# Browsers' preload lists are about a whole domain, which is its owner's to decide and can hardly be undone.
SILENCED_SYSTEM_CHECKS += ["security.W021"]
# Usernames are unique whatever their case, by a constraint on LOWER(username), which this check cannot see.
SILENCED_SYSTEM_CHECKS += ["auth.W004"]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"


def _records() -> dict[str, Any]:
    """Return where the bytes of records go: files in the data directory, or an S3-compatible bucket.

    The credentials of the bucket come from where every S3 client looks for them: AWS_ACCESS_KEY_ID and so on.
    """
    bucket = os.environ.get("RECORDS_BUCKET")
    if not bucket:
        return {"BACKEND": "resources.records.directory.RecordDirectory", "OPTIONS": {"location": DATA_DIR / "records"}}
    return {
        "BACKEND": "resources.records.bucket.RecordBucket",
        "OPTIONS": {
            "bucket_name": bucket,
            "location": os.environ.get("RECORDS_BUCKET_PREFIX", ""),
            "endpoint_url": os.environ.get("RECORDS_BUCKET_ENDPOINT") or None,
            "region_name": os.environ.get("RECORDS_BUCKET_REGION") or None,
        },
    }


STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": DATA_DIR / "files"}},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    "records": _records(),
}

# Emails: without an SMTP server they are printed to the log on loopback, and not sent elsewhere
# (accounts/deployment/outgoing_email.py).
EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend" if EMAIL_HOST else "accounts.deployment.outgoing_email.LogBackend"
)
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "587"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _flag("EMAIL_USE_TLS", bool(EMAIL_HOST))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", f"Latchkey <latchkey@{_public.hostname}>")
# Emails are sent by workers (accounts/mail/queue.py); tests have them at once.
EMAILS_LEAVE_IN_BACKGROUND = True

# How many names of accounts or resources that there are not one may ask for in ten minutes.
LOOKUP_MISSES = int(os.environ.get("LOOKUP_MISSES", "100"))

# The HTTP API.
API_ACCEPTS_TOKEN_IN_QUERY = _flag("API_ACCEPTS_TOKEN_IN_QUERY", True)
API_MAX_BODY_BYTES = int(os.environ.get("API_MAX_BODY_BYTES", str(9 * 1024 * 1024)))
# What the fields of a form may have together, besides its files: the text of a source file is the largest one. How
# large the form of each page may be is in console/http/form_limits.py, and bodies of the API have API_MAX_BODY_BYTES.
DATA_UPLOAD_MAX_MEMORY_SIZE = 33 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 4
# A record is streamed, so this is about disk space; it is also where the unpacking of a compressed one is cut off.
API_MAX_RECORD_BYTES = int(os.environ.get("API_MAX_RECORD_BYTES", str(5 * 1024**3)))

# How many megabytes of the disk are kept back: below, nothing new is saved, so that reading and deleting go on.
DISK_RESERVE_MBYTES = float(os.environ.get("DISK_RESERVE_MBYTES", "100"))

# How many hours the file of a record that was replaced or deleted is kept: a backup must be done within them.
RECORDS_WAIT_HOURS = float(os.environ.get("RECORDS_WAIT_HOURS", "6"))
if not 0 < RECORDS_WAIT_HOURS <= 24 * 365:
    raise ValueError("RECORDS_WAIT_HOURS must be a number of hours above 0.")

# How many clients of one process may wait for runs and follow logs at a time: each costs some memory, and no thread.
WAITING_CLIENTS = max(1, int(os.environ.get("WAITING_CLIENTS", "1000")))
# And how many of them for one account, or from one address of anonymous clients, so that others may wait as well.
WAITING_CLIENTS_OF_ONE = max(1, WAITING_CLIENTS // 2)
# The same for servers that are not ours, and ours with TLS, where each has a thread of its own.
WAITING_THREADS = max(1, int(os.environ.get("WEB_THREADS", "16")) * 3 // 4)
WAITING_THREADS_OF_ONE = max(1, WAITING_THREADS // 4)

# Counts such as "last used" are saved by a thread; tests save them by hand.
COUNTERS_FLUSH_THEMSELVES = True

# Where webhooks may be sent: "public" is every address that the whole internet reaches; networks (10.0.0.0/8) and host
# names are allowed wherever they are. See resources/webhooks/addresses.py.
WEBHOOK_ADDRESSES = _list("WEBHOOK_ADDRESSES") or ["public"]

# Every line is scrubbed of tokens and signatures (console/logging.py).
LOGGING = configuration(level=os.environ.get("LOG_LEVEL", "INFO").upper())

# Runs, builds and webhooks are done by workers (`manage.py worker`), which share this queue.
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["jobs", "webhooks", "emails"]}}

# "auto" isolates runs and builds by bubblewrap where that works; where it does not, it runs them only while nothing but
# this machine reaches the deployment. "required" runs nothing without, "none" never isolates.
RUN_ISOLATION = os.environ.get("RUN_ISOLATION", "auto")
if RUN_ISOLATION not in ("auto", "required", "none"):
    raise ValueError(f"RUN_ISOLATION must be auto, required or none, not {RUN_ISOLATION[:20]!r}.")
# What runs and builds reach: "isolated" is public addresses and RUN_NETWORK_ALLOW, "auto" the same, with exceptions as
# above, "shared" all that the worker reaches, "none" the API and what RUN_NETWORK_ALLOW names with a port.
RUN_NETWORK = os.environ.get("RUN_NETWORK", "auto")
if RUN_NETWORK not in ("auto", "isolated", "shared", "none"):
    raise ValueError(f"RUN_NETWORK must be auto, isolated, shared or none, not {RUN_NETWORK[:20]!r}.")
if RUN_ISOLATION == "none" and RUN_NETWORK in ("isolated", "none"):
    raise ValueError(f"RUN_NETWORK={RUN_NETWORK} needs isolation, and RUN_ISOLATION is none.")
RUN_NETWORK_ALLOW = _list("RUN_NETWORK_ALLOW")
allowed.parse_all(RUN_NETWORK_ALLOW)
# The proxies that runs use by the SDKs' proxy configuration, for the groups of Apify's that each stands for.
PROXIES = upstreams.parse_all(os.environ.get("PROXY_URL", ""), _list("PROXY_GROUPS"))
# Variables of the worker's own environment that builds and runs are given, like HTTPS_PROXY or PIP_INDEX_URL.
RUN_PASSES_ON = _list("RUN_PASSES_ON")
# How many runs and builds a worker has at once, and for how many seconds it holds each without saying so again.
WORKER_JOBS = int(os.environ.get("WORKER_JOBS", "2"))
# How many it has at most with those that runs here have started, which have places of their own as long as these go on.
WORKER_JOBS_NESTED = int(os.environ.get("WORKER_JOBS_NESTED", str(16 * WORKER_JOBS)))
# How deep runs may start each other, the first one included; so deep, twice WORKER_JOBS chains have their places: half
# of them of guests, for whom an eighth of the extra places is kept (resources/worker/places.py).
RUN_MAX_DEPTH = int(os.environ.get("RUN_MAX_DEPTH", str(max(3, WORKER_JOBS_NESTED * 7 // (16 * max(1, WORKER_JOBS))))))
# How many runs an account may have at once, and with how much memory, those that wait included; 0 for no limit.
ACCOUNT_MAX_RUNS = int(os.environ.get("ACCOUNT_MAX_RUNS", "0"))
ACCOUNT_MAX_MEMORY_MBYTES = int(os.environ.get("ACCOUNT_MAX_MEMORY_MBYTES", "0"))
# How many webhooks a worker sends at once: a receiver may take half a minute to say nothing.
WEBHOOK_JOBS = int(os.environ.get("WEBHOOK_JOBS", "4"))
WORKER_LEASE_SECS = int(os.environ.get("WORKER_LEASE_SECS", "60"))
# What workers do besides, by name, each so many seconds after the last time: what is decided above their floor.
WORKER_CHORES = {
    "sharing.schedules.firing.fire_due": 1.0,
    "sharing.grant_lifecycle.record_ends": 60.0,
    "sharing.grant_notices.announce_ends": 60.0,
    "sharing.mail.token_mail.warn_of_ends": 600.0,
}
# How many seconds a job that is aborted or out of time is given to put things in order.
WORKER_GRACE_SECS = float(os.environ.get("WORKER_GRACE_SECS", "30"))
# How many of them a run that listens to events has from the event that says how it ends until SIGTERM.
WORKER_EVENT_GRACE_SECS = float(os.environ.get("WORKER_EVENT_GRACE_SECS", "5"))
