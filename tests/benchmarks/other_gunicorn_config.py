"""Gunicorn as Latchkey is served by it, for views that are none of Latchkey's and know nothing of its database."""

import gc

from gunicorn.workers.base import Worker

from console.server.gunicorn_config import *  # noqa: F403  # all settings are names of a module


def post_worker_init(worker: Worker) -> None:  # type: ignore[no-redef]
    """Freeze what has been loaded, as there."""
    gc.collect()
    gc.freeze()
