"""The server's secret and the ones before it: from the environment, or from files of the data directory.

The settings read them before Django is set up, so nothing here needs Django.
"""

import os
import secrets
from pathlib import Path

SECRET_KEY_FILE = "secret-key"  # noqa: S105  # the name of a file
FALLBACKS_FILE = "secret-key-fallbacks"


_made: list[Path] = []


def secret_key(data_dir: Path) -> str:
    """Return SECRET_KEY, or a secret that is made at the first start and kept in the data directory."""
    given = os.environ.get("SECRET_KEY")
    if given:
        return given
    path = data_dir / SECRET_KEY_FILE
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(64))
        _made.append(path)
    except FileExistsError:
        pass
    return path.read_text()


def made_now() -> bool:
    """Tell whether this process has made the secret: there was none when it started."""
    return bool(_made)


def fallbacks(data_dir: Path) -> list[str]:
    """Return the secrets of before, the latest first: SECRET_KEY_FALLBACKS, then those of the data directory.

    Those in the environment are separated by commas, those in the file by line feeds.
    """
    given = os.environ.get("SECRET_KEY_FALLBACKS", "").split(",")
    try:
        kept = (data_dir / FALLBACKS_FILE).read_text().splitlines()
    except FileNotFoundError:
        kept = []
    return list(dict.fromkeys(filter(None, (text.strip() for text in (*given, *kept)))))
