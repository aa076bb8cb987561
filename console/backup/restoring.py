"""Restoring a backup into a new place: a DATA_DIR, and with PostgreSQL a database, that hold nothing."""

import os
import shutil
from pathlib import Path

from django.conf import settings
from django.db import connection

from console.backup import databases, making, manifest
from console.backup.manifest import BackupError, Manifest
from console.server import secret_keys
from resources.records import files
from resources.records.directory import IDENTITY_FILE

_UNDER_WAY = ".restoring"


def restore(source: Path) -> Manifest:
    """Restore a backup, and return what was in it.

    Raises:
        BackupError: when it cannot be restored here; then nothing has changed.
    """
    try:
        backup = _checked(source)
        _restore(source)
    except BaseException:
        if secret_keys.made_now():  # this command made it by being started
            (settings.DATA_DIR / secret_keys.SECRET_KEY_FILE).unlink(missing_ok=True)
        raise
    return backup


def _checked(source: Path) -> Manifest:
    backup = manifest.read(source)
    if backup.database != making.database_kind():
        raise BackupError(
            f"The backup is of {_said(backup.database)}, and the configuration names {_said(making.database_kind())}: "
            "set DATABASE_URL to an empty PostgreSQL database, or unset it for SQLite."
        )
    _check_place()
    if backup.bucket and files.storage().is_local:
        raise BackupError(f"The records of this backup are in the bucket {backup.bucket}: set RECORDS_BUCKET.")
    if not backup.bucket and not files.storage().is_local:
        raise BackupError("The records of this backup are files: unset RECORDS_BUCKET.")
    from_environment = bool(os.environ.get("SECRET_KEY"))
    if (from_environment or not backup.has_secret) and not manifest.knows_secret(backup):
        advice = "unset it: the backup holds its secret." if backup.has_secret else "give the one of that server."
        raise BackupError(f"SECRET_KEY is not the secret that the backup was made with; {advice}")
    for size, file in making.listed(source) if not backup.bucket else ():
        copy = source / making.RECORDS / file
        if file not in backup.missing and (not copy.is_file() or copy.stat().st_size != size):
            raise BackupError(f"The backup is damaged: {copy} is missing or has another size.")
    databases.check_programs("pg_restore")
    return backup


def _check_place() -> None:
    """Check that neither the data directory nor the database holds anything.

    Raises:
        BackupError: when one does.
    """
    own = {secret_keys.SECRET_KEY_FILE} if secret_keys.made_now() else set()
    found = sorted(each.name for each in settings.DATA_DIR.iterdir() if each.name not in own)
    if found:
        raise BackupError(
            f"{settings.DATA_DIR} holds something already ({', '.join(found[:5])}). Set DATA_DIR to a new directory."
        )
    if connection.vendor == "postgresql" and connection.introspection.table_names():
        raise BackupError(f"The database {connection.settings_dict['NAME']} has tables already. Give an empty one.")


def _restore(source: Path) -> None:
    data = Path(settings.DATA_DIR)
    under_way = data / _UNDER_WAY
    under_way.mkdir(mode=0o700)
    moved: list[Path] = []
    try:
        for name in making.SECRETS if not os.environ.get("SECRET_KEY") else ():
            if (source / name).exists():
                _copy(source / name, under_way / name)
        for file in (IDENTITY_FILE, *(name for _, name in making.listed(source))):
            if (source / making.RECORDS / file).exists():
                _copy(source / making.RECORDS / file, under_way / making.RECORDS / file)
        if connection.vendor == "sqlite":
            _copy(source / databases.SQLITE_FILE, under_way / Path(connection.settings_dict["NAME"]).name)
        os.sync()
        for each in list(under_way.iterdir()):
            place = _restored_path(each.name)
            each.replace(place)
            moved.append(place)
        if connection.vendor == "postgresql":
            databases.restore_postgresql(source)  # last, because it cannot be taken back
    except BaseException:
        for place in moved:
            _remove(place)
        raise
    finally:
        shutil.rmtree(under_way)


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink()


def _restored_path(name: str) -> Path:
    """Return where something belongs: the database where the settings name it, all else in the data directory."""
    database = Path(connection.settings_dict["NAME"])
    return database if connection.vendor == "sqlite" and name == database.name else Path(settings.DATA_DIR) / name


def _copy(source: Path, place: Path) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(source, place)
    place.chmod(0o600)


def _said(database: str) -> str:
    return {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(database, database)
