"""The server's secret and the ones before it: from the environment, or from files of the data directory.

The settings read them before Django is set up, so nothing here needs Django.
"""

import os
import secrets
from pathlib import Path

SECRET_KEY_FILE = "secret-key"  # noqa: S105  # the name of a file
FALLBACKS_FILE = "secret-key-fallbacks"
# The secret that is going to be used; it is known for reading before.
NEXT_FILE = "secret-key-next"


_made: list[Path] = []


def secret_key(data_dir: Path) -> str:
    """Return SECRET_KEY, or a secret that is made at the first start and kept in the data directory."""
    secret = os.environ.get("SECRET_KEY")
    if secret:
        return secret
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

    The last is the next secret, where there is one: a process that does not use it yet reads what others write with it.
    Those in the environment are separated by commas, those in the file by line feeds.
    """
    configured = os.environ.get("SECRET_KEY_FALLBACKS", "").split(",")
    try:
        kept = (data_dir / FALLBACKS_FILE).read_text().splitlines()
    except FileNotFoundError:
        kept = []
    return list(dict.fromkeys(filter(None, (text.strip() for text in (*configured, *kept, next_secret(data_dir))))))


def next_secret(data_dir: Path) -> str:
    """Return the secret that is going to be used, "" where none was made."""
    try:
        return (data_dir / NEXT_FILE).read_text().strip()
    except FileNotFoundError:
        return ""


def make_next(data_dir: Path) -> str:
    """Return the next secret, made now where there is none."""
    made = next_secret(data_dir)
    if not made or made == secret_key(data_dir):  # the latter after a crash in `rotate`
        made = secrets.token_urlsafe(64)
        _write(data_dir / NEXT_FILE, made)
    return made


def rotate(data_dir: Path) -> tuple[str, list[str]]:
    """Use the next secret of the data directory from now on, with that of before as first fallback; return both.

    The fallback is written first, so that after a crash in between nothing is lost.
    """
    new = make_next(data_dir)
    before = [each for each in (secret_key(data_dir), *fallbacks(data_dir)) if each != new]
    _write(data_dir / FALLBACKS_FILE, "".join(f"{each}\n" for each in dict.fromkeys(before)))
    _write(data_dir / SECRET_KEY_FILE, new)
    (data_dir / NEXT_FILE).unlink()
    return new, fallbacks(data_dir)


def drop_fallbacks(data_dir: Path) -> int:
    """Forget the fallbacks of the data directory, and return how many there were."""
    try:
        dropped = len((data_dir / FALLBACKS_FILE).read_text().split())
        (data_dir / FALLBACKS_FILE).unlink()
    except FileNotFoundError:
        return 0
    return dropped


def _write(path: Path, text: str) -> None:
    """Replace a file in one step by one that only its owner can read, and that is there after a power cut."""
    new = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
