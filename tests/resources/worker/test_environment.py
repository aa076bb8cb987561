"""The variables that a run is given."""

import pytest

from resources.worker import environment
from tests.support.work_stage import started

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("proxy", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "latchkey.test"),
        ({"NO_PROXY": "a.test,b.test"}, "a.test,b.test,latchkey.test"),
        ({"NO_PROXY": "a.test", "no_proxy": "b.test"}, "b.test,latchkey.test"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_the_api_is_added_to_what_is_reached_without_the_proxy(ada, settings, proxy, given, expected):
    settings.PUBLIC_URL = "https://latchkey.test:8443"
    run = started(ada, {"main.py": ""})
    found = environment.run_environment(run, "/", {proxy: "http://proxy.test:3128", **given})
    assert (found["NO_PROXY"], found["no_proxy"]) == (expected, expected)


def test_events_are_asked_for_without_the_proxy_too(ada, settings):
    settings.PUBLIC_URL = "https://latchkey.test"
    run, url = started(ada, {"main.py": ""}), "ws://127.76.0.80/secret"
    found = environment.run_environment(run, "/", {"HTTP_PROXY": "http://proxy.test"}, events_url=url)
    assert found["NO_PROXY"] == "latchkey.test,127.76.0.80"
    assert found["ACTOR_EVENTS_WEBSOCKET_URL"] == found["APIFY_ACTOR_EVENTS_WS_URL"] == url


def test_a_version_cannot_say_where_events_are(ada):
    run = started(ada, {"main.py": ""})
    found = environment.run_environment(run, "/", {"ACTOR_EVENTS_WEBSOCKET_URL": "ws://x"}, events_url="ws://y")
    assert found["ACTOR_EVENTS_WEBSOCKET_URL"] == "ws://y"


def test_nothing_is_said_of_proxies_where_there_is_none(ada):
    assert not {"NO_PROXY", "no_proxy"} & environment.run_environment(started(ada, {"main.py": ""}), "/", {}).keys()
