"""The name that `console/server/gunicorn_config.py` had: units of operators say `--config python:console.gunicorn`."""

from console.server.gunicorn_config import *  # noqa: F403  # gunicorn takes the settings by their names
