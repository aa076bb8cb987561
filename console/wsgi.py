"""The WSGI application that gunicorn serves."""

import os

from django.conf import settings
from django.core.cache import close_caches
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
application = get_wsgi_application()


def _look_after_connections_once() -> None:
    """Leave out what Django does around each request that nothing here needs; together it takes as long as a statement.

    It goes through the connections and the caches five times. Once is enough, when the answer has been sent: what is
    wrong with a connection has happened in a request. Queries are noted with DEBUG only, and the caches, which are
    the database and the process, hold nothing open.
    """
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_caches)
    if not settings.DEBUG:
        request_started.disconnect(reset_queries)


_look_after_connections_once()
