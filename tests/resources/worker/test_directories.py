"""The directories of builds and runs are removed whatever has been left in them."""

import os

from resources.sandbox import directories


def test_what_is_nested_very_deeply_is_removed(tmp_path):
    directory = tmp_path / "run"
    directory.mkdir()
    at = os.open(directory, os.O_DIRECTORY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=at)
        inside = os.open("d", os.O_DIRECTORY, dir_fd=at)
        os.close(at)
        at = inside
    os.close(at)
    directories.remove(directory)
    assert not directory.exists()


def test_what_a_link_leads_to_stays(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "link").symlink_to(tmp_path / "elsewhere")
    directories.remove(tmp_path / "run")
    assert (tmp_path / "elsewhere").is_dir()
    assert not (tmp_path / "run").exists()
