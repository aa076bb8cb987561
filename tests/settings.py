"""The settings under which tests run: the project's own, made quick and deterministic."""

import os
import tempfile

# Each process of tests has its own: the chores of one remove the runs' directories that its database knows nothing of.
os.environ["DATA_DIR"] = (
    os.environ["DATA_DIR"]
    if "DATA_DIR" in os.environ and os.environ.get("DATA_DIR_OF", "") == os.environ.get("PYTEST_XDIST_WORKER", "")
    else tempfile.mkdtemp(prefix="latchkey-tests-")
)
os.environ["DATA_DIR_OF"] = os.environ.get("PYTEST_XDIST_WORKER", "")
os.environ.setdefault("SECRET_KEY", "only-for-tests-0123456789-0123456789-0123456789")

from console.settings import *  # noqa: F403
from console.settings import DATA_DIR, DATABASES, STATIC_ROOT, STORAGES

STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns of a directory that is not there

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
EMAILS_LEAVE_IN_BACKGROUND = False
SIGN_UP = "open"  # the host name of Django's test client is not loopback
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend", "QUEUES": ["jobs", "webhooks", "emails"]}}
COUNTERS_FLUSH_THEMSELVES = False

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, because an SQLite database in memory that threads share locks whole tables. It need not survive a crash.
    quick = DATABASES["default"]["OPTIONS"] | {
        "init_command": DATABASES["default"]["OPTIONS"]["init_command"].replace("synchronous=FULL", "synchronous=OFF")
    }
    DATABASES["default"] |= {"OPTIONS": quick, "TEST": {"NAME": DATA_DIR / "test.sqlite3"}}
