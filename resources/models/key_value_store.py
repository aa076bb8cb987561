"""The model KeyValueStore."""

from django.db import models

from resources.kinds import Kind
from resources.models.resource import Resource


class KeyValueStore(Resource):
    """Records under keys."""

    KIND = Kind.KEY_VALUE_STORE
    resource_ptr = models.OneToOneField(
        Resource, primary_key=True, parent_link=True, on_delete=models.CASCADE, related_name="as_key_value_store"
    )
