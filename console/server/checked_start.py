"""Refuse to serve on a host that does not fit to the database, where gunicorn is started by itself."""

import sys

from django.db import DatabaseError, connections
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from accounts.lib.database_errors import describe
from resources import start_checks


def check_or_exit(worker: Worker) -> None:
    """End gunicorn with a sentence that says what to do, when one of its first processes must not start.

    Where the database does not answer, the process starts, and answers 503 until it does. One that takes the place of
    a process that died starts anyway, for the others serve as well; /readyz says what is wrong.

    Raises:
        SystemExit: with the code by which gunicorn ends instead of trying again.
    """
    try:
        start_checks.check()
    except start_checks.StartRefused as refused:
        worker.log.error("%s", refused)
        if worker.age <= worker.cfg.workers:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
    except DatabaseError as error:
        worker.log.warning("%s", describe(error))
    finally:
        connections.close_all()
