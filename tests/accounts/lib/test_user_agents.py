"""What browsers are called."""

import pytest

from accounts.lib.user_agents import browser_name

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/17 Safari/605", "Safari on macOS"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/128 Safari/537 Edg/128", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/128 Mobile Safari/537", "Chrome on Android"),
        ("", "Unknown browser"),
        ("\ud800<script>", "Unknown browser"),
    ],
)
def test_browser_names(user_agent, name):
    assert browser_name(user_agent) == name
