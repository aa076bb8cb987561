"""How gunicorn serves Latchkey: `gunicorn --config python:console.server.gunicorn_config`; `manage.py serve` does so.

Each worker process opens its own database connections, so nothing is loaded before the workers are forked.
"""

import gc
import os

import gunicorn.glogging
from gunicorn.config import Config
from gunicorn.workers.base import Worker

from accounts.lib.descriptors import allow_descriptors
from console.logging import LINE, ScrubbingFormatter
from console.server.limits import GRACE_SECONDS


class Logger(gunicorn.glogging.Logger):
    """Gunicorn's logs, scrubbed like all others."""

    def setup(self, cfg: Config) -> None:
        """Open the logs as configured, and put our formatter on each of them."""
        super().setup(cfg)
        for log, line in ((self.error_log, LINE), (self.access_log, "{message}")):
            for handler in log.handlers:
                handler.setFormatter(ScrubbingFormatter(line, style="{"))


def post_worker_init(worker: Worker) -> None:
    """Record where the server listens, end what the published password opened, and freeze what has been loaded.

    It is frozen for the garbage collector: what has been loaded stays, and to go through it takes long.
    """
    # The application is loaded only now, in each worker process, and with it the tasks that the queue names by path.
    from django.db import connections

    import resources.worker.tasks  # noqa: F401
    from accounts import published_password
    from accounts.deployment import exposure
    from accounts.lib.postgresql import limits
    from console.server import checked_start

    limits.serve_requests()
    checked_start.check_or_exit(worker)
    exposure.record_while_alive(exposure.listening_addresses(worker.sockets), os.getppid())
    published_password.revoke_access_when_possible()
    connections.close_all()  # this thread needs none any more, and the pool has few
    gc.collect()
    gc.freeze()


wsgi_app = "console.wsgi:application"
bind = [f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"]

# Threads answer; clients that wait, follow or read slowly hold none of them (console/server/lot.py).
worker_class = "console.server.gunicorn_worker.Worker"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "16"))
preload_app = False
# How many connections a process has, those that wait and idle ones among them. Each needs a descriptor.
worker_connections = int(os.environ.get("WEB_CONNECTIONS", "4000"))
allow_descriptors(worker_connections + 1000)

# The time limit watches whether a worker is alive, not how long an answer takes.
timeout = 60
graceful_timeout = GRACE_SECONDS
# Longer than the idle time of usual proxies and clients, so that it is they who close a connection.
keepalive = 75
backlog = 1024
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  # gunicorn makes a private file in it
control_socket_disable = True

# A list of fields or a page of keys makes long addresses; nothing of ours makes longer headers.
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1")

proc_name = "latchkey"
loglevel = os.environ.get("LOG_LEVEL", "info").lower()
accesslog = "-" if os.environ.get("ACCESS_LOG", "1").lower() in ("1", "true", "yes", "on") else None
access_log_format = '%(t)s %(h)s "%(r)s" %(s)s %(b)s %(M)sms'
logger_class = Logger
