"""The thin authentication backend behind `user.has_perm("READ", resource)`."""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from accounts.models import Account
from accounts.principal import Principal
from resources.models import Resource
from sharing.access import decide
from sharing.facts import load_facts
from sharing.permissions import Permission


class ResourceBackend(BaseBackend):
    """Answers for resources through the same `decide` as the middleware, and for nothing else."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Tell whether an account has `perm`, the name of a permission, on the resource `obj`."""
        if not isinstance(obj, Resource) or not isinstance(user_obj, Account) or perm not in Permission.__members__:
            return False
        principal = Principal(user_obj.pk, user_obj.username, user_obj.email)
        try:
            facts = load_facts(obj, user_obj.pk)
        except LookupError:
            return False
        return user_obj.is_active and decide(principal, facts, Permission[perm]).allowed
