"""Whether others than this machine can reach the deployment."""

import os
import socket
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import exposure
from accounts.models import ListeningAddress

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def on_loopback(settings):
    settings.PUBLIC_URL = "http://localhost:8000"
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]


def pid_of_ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_loopback_alone_exposes_nothing():
    exposure.record(["127.0.0.1", "::1", "localhost"], os.getpid())

    assert exposure.exposed_by() == []


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.5", "2001:db8::1", "intranet"])
def test_a_server_that_listens_elsewhere_exposes(address):
    exposure.record([address], os.getpid())

    (sentence,) = exposure.exposed_by()
    assert sentence.endswith(f"listens on {address}.")


@pytest.mark.parametrize(
    "url", ["https://latchkey.example.com", "http://192.168.1.5:8000", "http://localhost.example.com"]
)
def test_a_public_url_elsewhere_exposes(url, settings):
    settings.PUBLIC_URL = url

    assert exposure.exposed_by() == [f"PUBLIC_URL is {url}."]


def test_the_public_url_of_a_server_elsewhere_exposes_a_worker_with_another_one(settings):
    settings.PUBLIC_URL = "https://latchkey.example.com"
    exposure.record(["127.0.0.1"], os.getpid())
    settings.PUBLIC_URL = "http://localhost:8000"

    (sentence,) = exposure.exposed_by()
    assert sentence.endswith("has the PUBLIC_URL https://latchkey.example.com.")


@pytest.mark.parametrize("host", ["latchkey.example.com", "*", ".example.com"])
def test_an_allowed_host_elsewhere_exposes(host, settings):
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, host]

    assert exposure.exposed_by() == [f"ALLOWED_HOSTS names {host}."]


def test_a_server_that_was_killed_counts_until_it_has_been_silent_for_minutes():
    exposure.record(["0.0.0.0"], os.getpid())
    ListeningAddress.objects.update(machine="another", seen_at=timezone.now() - exposure.COUNTS_FOR / 2)
    assert exposure.exposed_by()

    ListeningAddress.objects.update(seen_at=timezone.now() - exposure.COUNTS_FOR - timedelta(seconds=1))
    assert exposure.exposed_by() == []


def test_the_next_server_on_a_machine_deletes_what_an_ended_one_recorded():
    exposure.record(["0.0.0.0"], pid_of_ended_process())

    exposure.record(["127.0.0.1"], os.getpid())

    assert exposure.exposed_by() == []


def test_recording_again_moves_the_time_and_adds_no_row():
    exposure.record(["0.0.0.0"], os.getpid())
    ListeningAddress.objects.update(seen_at=timezone.now() - exposure.COUNTS_FOR)

    exposure.record(["0.0.0.0"], os.getpid())

    assert ListeningAddress.objects.count() == 1
    assert exposure.exposed_by()


def test_the_addresses_of_sockets_are_read_without_ports_and_unix_sockets_have_none(tmp_path):
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as local:
        tcp.bind(("127.0.0.1", 0))
        local.bind(str(tmp_path / "socket"))

        assert exposure.listened_on([tcp, local]) == ["127.0.0.1"]


def test_a_process_of_another_container_with_the_same_host_name_is_not_judged_here(monkeypatch):
    monkeypatch.setattr(exposure, "_process_space", lambda: "boot 1")
    exposure.record(["0.0.0.0"], pid_of_ended_process())
    monkeypatch.setattr(exposure, "_process_space", lambda: "boot 2")
    exposure.record(["127.0.0.1"], os.getpid())

    (sentence,) = exposure.exposed_by()
    assert sentence.endswith("listens on 0.0.0.0.")


def test_where_the_system_names_no_process_space_no_row_is_judged_by_its_process(monkeypatch):
    monkeypatch.setattr(exposure, "_process_space", lambda: "")
    exposure.record(["0.0.0.0"], pid_of_ended_process())
    exposure.record(["127.0.0.1"], os.getpid())

    assert exposure.exposed_by()


def test_the_process_space_is_that_of_the_pid_namespace():
    space = exposure._process_space()
    assert space.endswith(f" {os.stat('/proc/self/ns/pid').st_ino}")
