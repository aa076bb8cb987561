"""What every kind has in common, as the API writes it."""

from typing import Any

from accounts.lib.timestamps import iso
from resources.models import Resource


def serialize_basics(resource: Resource) -> dict[str, Any]:
    """Return the fields that every kind has."""
    return {
        "id": resource.pk,
        "name": resource.name,
        "userId": resource.owner_id,
        "createdAt": iso(resource.created_at),
        "modifiedAt": iso(resource.modified_at),
        "generalAccess": resource.general_access,
        "consoleUrl": resource.console_url,
    }
