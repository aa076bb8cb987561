"""What the benchmarks measure against can be started."""

import os
import urllib.request

from tests.benchmarks.bench_requests import serving


def test_the_empty_view_is_served_as_latchkey_is(tmp_path):
    environment = {**os.environ, "DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "console.settings"}
    with serving("tests.benchmarks.empty_view:application", environment) as url:
        assert urllib.request.urlopen(url, timeout=30).read() == b""
