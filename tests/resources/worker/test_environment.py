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


def test_nothing_is_said_of_proxies_where_there_is_none(ada):
    assert not {"NO_PROXY", "no_proxy"} & environment.run_environment(started(ada, {"main.py": ""}), "/", {}).keys()
