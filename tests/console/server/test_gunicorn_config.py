"""Our configuration of gunicorn, by the name that it has and by the one that it had."""

import subprocess
import sys

import pytest
from django.conf import settings


@pytest.mark.parametrize("name", ["console.server.gunicorn_config", "console.gunicorn"])
def test_gunicorn_serves_by_this_name(name, tmp_path):
    command = [sys.executable, "-m", "gunicorn", "--config", f"python:{name}", "--print-config"]
    environment = {"DATA_DIR": str(tmp_path), "PORT": "8123"}
    done = subprocess.run(
        command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found = dict(each.split(" = ", 1) for each in done.stdout.splitlines() if " = " in each)
    found = {setting.strip(): value.strip() for setting, value in found.items()}
    assert found["bind"] == "['127.0.0.1:8123']"
    assert found["proc_name"] == "latchkey"
    assert found["worker_class"] == "console.server.gunicorn_worker.Worker"
    assert "post_worker_init" in found["post_worker_init"]
    assert found["logger_class"] == "<Logger()>"  # ours, and not the name of gunicorn's own
