"""Pages in worlds that hypothesis makes: their text, and a base for tests that hold it to the decision."""

import re
from html import unescape

from django.test import Client
from hypothesis import HealthCheck, settings
from hypothesis.extra.django import TestCase

from accounts.models import Account
from resources.models import Resource
from tests.support.worlds import World, build

some_worlds = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
STRANGER = "erin"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def text_of(html: str) -> str:
    """Return the text of a page, on one line."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).strip()


def section(html: str, id_: str) -> str:
    """Return the text of the list or paragraph that has this id, or is labelled by it; empty where there is none."""
    found = re.search(rf'<(\w+)[^>]* (?:id|aria-labelledby)="{id_}"[^>]*>(.*?)</\1>', html, re.DOTALL)
    return text_of(found[2]) if found else ""


def owner_of(world: World, resource: Resource) -> str:
    """Return the name of the owner of a resource."""
    return next(name for name, account in world.accounts.items() if account.pk == resource.owner_id)


class PageCase(TestCase):
    """Builds worlds, and opens pages in them."""

    def world(self, description) -> World:
        world = build(description)
        world.accounts[STRANGER] = Account.objects.create_user(STRANGER, "erin@example.com")
        self.clients: dict[str, Client] = {}
        return world

    def browser(self, world: World, who: str) -> Client:
        if who not in self.clients:
            self.clients[who] = Client()
            self.clients[who].force_login(world.accounts[who], backend=BACKEND)
        return self.clients[who]

    def page(self, world: World, who: str, path: str) -> str:
        response = self.browser(world, who).get(path)
        assert response.status_code == 200, (who, path)
        return response.content.decode()
