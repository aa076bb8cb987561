"""The Python client, unchanged, with accounts: its models must take what we answer."""

import pytest
from apify_client import ApifyClient
from apify_client.errors import UnauthorizedError

from resources.runs.proxy_password import make_proxy_password
from resources.sandbox.network import upstreams


def test_me(cast, client_of):
    me = client_of(cast["ada"]).user().get()
    assert (me.id, me.username, me.email) == (cast["ada"].pk, "ada", "ada@example.com")
    assert me.is_paying is False
    assert me.effective_platform_features.storage.is_enabled
    assert me.plan.available_proxy_groups == {}


def test_me_with_a_password_and_groups_of_proxies(cast, client_of, live_server, settings):
    named = ["RESIDENTIAL=http://one.test", "RESIDENTIAL=http://two.test", "OTHER=http://u:secret-of-it@three.test"]
    settings.PROXIES = upstreams.parse_all("http://four.test", named)
    me, other = client_of(cast["ada"]).user().get(), client_of(cast["ben"]).user().get()
    groups = {group.name: group.available_count for group in me.proxy.groups}
    assert groups == me.plan.available_proxy_groups == {"RESIDENTIAL": 2, "OTHER": 1}
    assert me.proxy.password == make_proxy_password(cast["ada"].pk)
    assert me.proxy.password != other.proxy.password
    assert "secret-of-it" not in me.model_dump_json()


def test_a_scoped_token_is_told_the_public_part(cast, options, token_of):
    scope = [{"kind": "dataset", "permissions": ["READ"]}]
    me = ApifyClient(token_of(cast["ada"], scope=scope), **options).user().get()
    assert (me.id, me.username, me.profile.name) == (cast["ada"].pk, "ada", "ada")
    assert (me.email, me.plan, me.created_at, me.is_paying, me.proxy) == (None, None, None, None, None)


def test_somebody_else(cast, client_of):
    seen = client_of().user("ada").get()
    assert seen.username == "ada"
    assert "ada@example.com" not in seen.model_dump_json()
    assert client_of().user(cast["ben"].pk).get().username == "ben"
    assert client_of().user("nobody-here").get() is None


def test_nobody(cast, client_of):
    with pytest.raises(UnauthorizedError):
        client_of().user().get()
