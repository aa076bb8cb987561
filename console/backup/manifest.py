"""What a backup says of itself."""

from pathlib import Path

import msgspec
from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

FILE = "backup.json"
FORMAT = 1


class BackupError(Exception):
    """A backup cannot be made or restored; the message says why."""


class Manifest(msgspec.Struct, rename="camel", kw_only=True):
    """What is in a backup.

    `migrations` has the last migration of each app. `bucket` names the S3 bucket that the records are in, and is empty
    where their files are in the backup. `missing` lists the files that the database names and that were not there.
    `has_secret` says whether the server's secret is in the backup, `secret_digest` recognizes it.
    """

    format: int = FORMAT
    made_at: str
    database: str
    migrations: dict[str, str]
    record_count: int
    record_bytes: int
    bucket: str
    missing: list[str]
    has_secret: bool
    secret_digest: str


def read(source: Path) -> Manifest:
    """Return what a backup says of itself.

    Raises:
        BackupError: when there is no backup, or one of another version.
    """
    try:
        manifest = msgspec.json.decode((source / FILE).read_bytes(), type=Manifest)
    except (FileNotFoundError, NotADirectoryError):
        raise BackupError(f"{source} is not a backup: it has no {FILE}.") from None
    except msgspec.DecodeError as error:
        raise BackupError(f"{source / FILE} cannot be read: {error}") from None
    if manifest.format != FORMAT:
        raise BackupError(f"{source} was made by another version of Latchkey: its format is {manifest.format}.")
    return manifest


def write(manifest: Manifest, target: Path) -> None:
    """Write what a backup says of itself."""
    (target / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2))


def hash_secret(secret: str) -> str:
    """Return a digest that recognizes a secret and tells nothing of it: 64 hex digits."""
    return salted_hmac("console.backup", "secret", secret=secret, algorithm="sha256").hexdigest()


def knows_secret(manifest: Manifest) -> bool:
    """Tell whether this server's secret, or one of its fallbacks, is the one of a backup."""
    known = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(constant_time_compare(hash_secret(secret), manifest.secret_digest) for secret in known)
