"""Making a backup while everything runs: the database first, then the files that its copy names.

A file that is replaced or deleted meanwhile waits for RECORDS_WAIT_HOURS, so it is still there when its turn comes.
"""

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.lib.timestamps import iso
from console.backup import databases, manifest
from console.backup.manifest import BackupError, Manifest
from console.server import secret_keys
from resources.records import files
from resources.records.directory import IDENTITY_FILE

RECORDS_LIST, RECORDS = "records.txt", "records"
SECRETS = (secret_keys.SECRET_KEY_FILE, secret_keys.FALLBACKS_FILE)


def make(target: Path) -> Manifest:
    """Make a backup in `target`, a new or empty directory, and return what is in it.

    Raises:
        BackupError: when it cannot be made; then nothing is left in `target`.
    """
    databases.check_programs("pg_dump")
    made = _make_private(target)
    try:
        return _make(target)
    except BaseException:
        for each in list(target.iterdir()):
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        if made:
            target.rmdir()
        raise


def _make(target: Path) -> Manifest:
    made_at = timezone.now()
    with databases.copy_database(target) as ask:
        migrations = databases.load_migrations(ask)
        with (target / RECORDS_LIST).open("w") as names:
            names.writelines(f"{size} {file}\n" for size, file in databases.iterate_records(ask))
    count, total, missing = _copy_records(target)
    made = Manifest(
        made_at=iso(made_at),
        database=database_kind(),
        migrations=migrations,
        record_count=count,
        record_bytes=total,
        bucket=bucket_name(),
        missing=missing,
        has_secret=_copy_secrets(target),
        secret_digest=manifest.hash_secret(settings.SECRET_KEY),
    )
    os.sync()  # all that was written is there after a power cut, before the backup is called one
    manifest.write(made, target)
    return made


def database_kind() -> str:
    """Return which database the settings name: "sqlite" or "postgresql"."""
    return connection.vendor


def bucket_name() -> str:
    """Return the S3 bucket that the records are in, "" where their files are in DATA_DIR."""
    return "" if files.storage().is_local else str(settings.STORAGES["records"]["OPTIONS"]["bucket_name"])


def listed(source: Path) -> Iterable[tuple[int, str]]:
    """Yield the size in bytes and the file of each record that a backup names."""
    with (source / RECORDS_LIST).open() as lines:
        for line in lines:
            size, _, file = line.rstrip("\n").partition(" ")
            yield int(size), file


def _make_private(target: Path) -> bool:
    """Make the directory, or take an empty one, so that only its owner can read it; return whether it is new.

    Raises:
        BackupError: when it holds something, or cannot be made.
    """
    is_new = not target.exists()
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(target.iterdir()):
            raise BackupError(f"{target} is not empty. A backup is made in a new directory.")
        target.chmod(0o700)
    except OSError as error:
        raise BackupError(f"{target} cannot be used: {error.strerror}.") from None
    return is_new


def _copy_records(target: Path) -> tuple[int, int, list[str]]:
    """Copy the files that the list names; return how many records there are, their bytes, and the missing files."""
    count, total, missing, storage = 0, 0, list[str](), files.storage()
    for size, file in listed(target):
        count, total = count + 1, total + size
        if storage.is_local and not _copied(Path(storage.path(file)), target / RECORDS / file, size):
            missing.append(file)
    if storage.is_local:  # where they are restored, they are the records of the database that is restored
        _copied(Path(storage.path(IDENTITY_FILE)), target / RECORDS / IDENTITY_FILE, 0)
    return count, total, missing


def _copied(source: Path, copy: Path, size: int) -> bool:
    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        shutil.copyfile(source, copy)
        copy.chmod(0o600)
        return copy.stat().st_size == size
    return False


def _copy_secrets(target: Path) -> bool:
    """Copy the secret and its fallbacks from DATA_DIR; return whether the secret is there."""
    if os.environ.get("SECRET_KEY"):
        return False
    for name in SECRETS:
        with suppress(FileNotFoundError):
            shutil.copyfile(settings.DATA_DIR / name, target / name)
            (target / name).chmod(0o600)
    return (target / secret_keys.SECRET_KEY_FILE).exists()
