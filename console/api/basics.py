"""What every kind with general access has in common, for the kinds whose own API is not there yet.

It is enough to share a run, a build, a key-value store or a request queue by a script.
"""

from typing import Any

import msgspec
from django.db import transaction
from django.http import HttpResponse

from accounts.moments import iso
from console.api import answers, bodies
from console.api.changes import change_general_access
from resources.models import Resource
from sharing.declare import needs
from sharing.permissions import Permission
from sharing.requests import ResourceApiRequest


class GeneralAccessChange(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The body of a PUT. A field that cannot be changed here is refused rather than ignored."""

    general_access: str | msgspec.UnsetType = msgspec.UNSET


@needs(None, Permission.READ)
def show(request: ResourceApiRequest) -> HttpResponse:
    """Answer with what is common to every kind."""
    return answers.data(basics_of(request.resource))


@needs(None, Permission.WRITE, Permission.MANAGE_ACCESS_RIGHTS)
def update(request: ResourceApiRequest) -> HttpResponse:
    """Change the general access."""
    change = bodies.read_json(request, GeneralAccessChange)
    if change.general_access is not msgspec.UNSET:
        with transaction.atomic():
            change_general_access(request, change.general_access)
    return answers.data(basics_of(request.resource))


def basics_of(resource: Resource) -> dict[str, Any]:
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
