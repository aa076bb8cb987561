"""What resources of several kinds share in the API: lists, updates, serializers."""
