"""The page of a resource whose kind has none of its own yet: what is known of it, and who has access."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console.pages.resource_pages import context_of, related_to
from sharing.declare import needs
from sharing.permissions import Permission
from sharing.requests import ResourcePageRequest


@needs(None, Permission.READ)
@require_safe
def page(request: ResourcePageRequest) -> HttpResponse:
    """Show a resource."""
    resource = request.resource
    context = {
        **context_of(request, heading=resource.name or resource.info.title, under=()),
        "related": related_to(resource, request.access.facts),
    }
    return render(request, "resource/resource.html", context)
