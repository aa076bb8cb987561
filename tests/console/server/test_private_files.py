"""What the server keeps can be read by its own user only, also what older versions have made."""

import os
import stat

import pytest

from console.server.private_files import keep_private
from tests.support.upgrade_stage import empty_place


@pytest.fixture(autouse=True)
def _umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_directory_from_before_is_mended_and_new_files_are_private(tmp_path):
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    names = ("latchkey.sqlite3", "latchkey.sqlite3-wal", "secret-key", "secret-key-fallbacks")
    for name in names:
        (data / name).write_text("old")
        (data / name).chmod(0o644)
    keep_private(data)
    (data / "new").write_text("new")
    (data / "below").mkdir()
    assert mode(data) == mode(data / "below") == 0o700
    assert {mode(data / name) for name in (*names, "new")} == {0o600}


def test_every_command_sees_to_it(tmp_path):
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    with empty_place(data) as place:
        place.python(
            "from pathlib import Path\nfrom django.conf import settings\n(settings.DATA_DIR / 'x').write_text('')"
        )
    assert mode(data) == 0o700
    assert mode(data / "x") == 0o600
