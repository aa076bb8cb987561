"""A project of its own for django-guardian, set up as its documentation says, on the same database engine."""

import os

os.environ.setdefault("SECRET_KEY", "only-for-benchmarks")

from console.settings import DATABASES as OURS

SECRET_KEY = os.environ["SECRET_KEY"]
DATABASES = OURS
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "guardian",
    "tests.benchmarks.guardian_project",
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "guardian.backends.ObjectPermissionBackend"]
ANONYMOUS_USER_NAME = None
