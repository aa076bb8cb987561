"""New deployments with an empty database: on SQLite migrated once, and copied from then on."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NAME = "latchkey.sqlite3"


def migrate(environment: Mapping[str, str]) -> None:
    """Migrate the new database of a deployment, which its environment names."""
    if environment.get("DATABASE_URL"):
        _migrate(environment)
        return
    directory = Path(environment["DATA_DIR"])
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(_template(environment), directory / _NAME)


def _template(environment: Mapping[str, str]) -> Path:
    """Return an empty database with all migrations, which processes of the tests make once for all of them."""
    kept = Path(tempfile.gettempdir()) / f"latchkey-migrated-{os.getuid()}-{_version()}"
    kept.mkdir(mode=0o700, exist_ok=True)
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (kept / _NAME).exists():
            with tempfile.TemporaryDirectory(dir=kept) as making:
                _migrate({**environment, "DATA_DIR": making})
                (Path(making) / _NAME).rename(kept / _NAME)
    return kept / _NAME


@cache
def _version() -> str:
    """Return a digest of all that decides what the migrations make."""
    files = [*ROOT.glob("*/migrations/*.py"), ROOT / "requirements-dev.lock", ROOT / "console" / "settings.py"]
    return sha256(b"\0".join(each.read_bytes() for each in sorted(files))).hexdigest()[:16]


def _migrate(environment: Mapping[str, str]) -> None:
    command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=environment, timeout=300, check=True)
