"""Whether others than this machine can reach the deployment."""

import io
import os
import socket
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from django.core.management import call_command, load_command_class
from django.core.signals import request_started
from django.db import OperationalError, close_old_connections
from django.utils import timezone

from accounts import published_password
from accounts.deployment import exposure
from accounts.models import ListeningAddress
from console.wsgi import application
from resources.worker import worker

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
    exposure.record_listening(["127.0.0.1", "::1", "localhost"], os.getpid())

    assert exposure.exposure_reasons() == []


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.5", "2001:db8::1", "intranet"])
def test_a_server_that_listens_elsewhere_exposes(address):
    exposure.record_listening([address], os.getpid())

    (sentence,) = exposure.exposure_reasons()
    assert sentence.endswith(f"listens on {address}.")


@pytest.mark.parametrize(
    "url", ["https://latchkey.example.com", "http://192.168.1.5:8000", "http://localhost.example.com"]
)
def test_a_public_url_elsewhere_exposes(url, settings):
    settings.PUBLIC_URL = url

    assert exposure.exposure_reasons() == [f"PUBLIC_URL is {url}."]


def test_the_public_url_of_a_server_elsewhere_exposes_a_worker_with_another_one(settings):
    settings.PUBLIC_URL = "https://latchkey.example.com"
    exposure.record_listening(["127.0.0.1"], os.getpid())
    settings.PUBLIC_URL = "http://localhost:8000"

    (sentence,) = exposure.exposure_reasons()
    assert sentence.endswith("has the PUBLIC_URL https://latchkey.example.com.")


@pytest.mark.parametrize("host", ["latchkey.example.com", "*", ".example.com"])
def test_an_allowed_host_elsewhere_exposes(host, settings):
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, host]

    assert exposure.exposure_reasons() == [f"ALLOWED_HOSTS names {host}."]


def test_a_server_that_was_killed_counts_until_it_has_been_silent_for_minutes():
    exposure.record_listening(["0.0.0.0"], os.getpid())
    ListeningAddress.objects.update(machine="another", seen_at=timezone.now() - exposure.COUNTS_FOR / 2)
    assert exposure.exposure_reasons()

    ListeningAddress.objects.update(seen_at=timezone.now() - exposure.COUNTS_FOR - timedelta(seconds=1))
    assert exposure.exposure_reasons() == []


def test_the_next_server_on_a_machine_deletes_what_an_ended_one_recorded():
    exposure.record_listening(["0.0.0.0"], pid_of_ended_process())

    exposure.record_listening(["127.0.0.1"], os.getpid())

    assert exposure.exposure_reasons() == []


def test_recording_again_moves_the_time_and_adds_no_row():
    exposure.record_listening(["0.0.0.0"], os.getpid())
    ListeningAddress.objects.update(seen_at=timezone.now() - exposure.COUNTS_FOR)

    exposure.record_listening(["0.0.0.0"], os.getpid())

    assert ListeningAddress.objects.count() == 1
    assert exposure.exposure_reasons()


def test_the_addresses_of_sockets_are_read_without_ports_and_unix_sockets_have_none(tmp_path):
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as local:
        tcp.bind(("127.0.0.1", 0))
        local.bind(str(tmp_path / "socket"))

        assert exposure.listening_addresses([tcp, local]) == ["127.0.0.1"]


def test_a_process_of_another_container_with_the_same_host_name_is_not_judged_here(monkeypatch):
    monkeypatch.setattr(exposure, "_process_space", lambda: "boot 1")
    exposure.record_listening(["0.0.0.0"], pid_of_ended_process())
    monkeypatch.setattr(exposure, "_process_space", lambda: "boot 2")
    exposure.record_listening(["127.0.0.1"], os.getpid())

    (sentence,) = exposure.exposure_reasons()
    assert sentence.endswith("listens on 0.0.0.0.")


def test_where_the_system_names_no_process_space_no_row_is_judged_by_its_process(monkeypatch):
    monkeypatch.setattr(exposure, "_process_space", lambda: "")
    exposure.record_listening(["0.0.0.0"], pid_of_ended_process())
    exposure.record_listening(["127.0.0.1"], os.getpid())

    assert exposure.exposure_reasons()


def test_the_process_space_is_that_of_the_pid_namespace():
    space = exposure._process_space()
    assert space.endswith(f" {Path('/proc/self/ns/pid').stat().st_ino}")


@pytest.fixture
def ask(monkeypatch):
    """Return a function that asks the WSGI application as a server does, and returns the status."""
    monkeypatch.setattr(exposure, "_quiet_until", 0.0, raising=False)
    # The application is served without it; Django's test client connects it again after each request.
    request_started.disconnect(close_old_connections)

    def ask(peer: str, forwarded: str = "", path: str = "/healthz", **headers: str) -> str:
        environ: dict[str, object] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "8000",
        }
        environ |= {"wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http", "REMOTE_ADDR": peer}
        environ |= {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
        environ |= headers
        statuses = []
        list(application(environ, lambda status, headers: statuses.append(status)))
        return statuses[0]

    return ask


@pytest.mark.parametrize("path", ["/healthz", "/v2/users/me"])
@pytest.mark.parametrize("peer", ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "172.17.0.1"])
def test_a_request_from_another_machine_exposes_whatever_server_took_it(ask, peer, path):
    ask(peer, path=path)

    (sentence,) = exposure.exposure_reasons()
    assert sentence.endswith("has had requests from other machines in the last 7 days.")


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "", "unix:"])
def test_a_request_from_this_machine_or_a_unix_socket_says_nothing(ask, peer):
    ask(peer, forwarded="127.0.0.1")

    assert exposure.exposure_reasons() == []


@pytest.mark.parametrize("peer", ["127.0.0.1", ""])
@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_X_FORWARDED_FOR": "192.0.2.1"},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1, 2001:db8::1"},
        {"HTTP_X_FORWARDED_FOR": ", ".join(["127.0.0.1"] * 99 + ["192.0.2.1"])},
        {"HTTP_X_FORWARDED_FOR": "192.0.2.1:4711"},
        {"HTTP_X_REAL_IP": "192.0.2.1"},
        {"HTTP_FORWARDED": ", ".join(["for=127.0.0.1"] * 99 + ["for=192.0.2.1"])},
        {"HTTP_FORWARDED": "for=192.0.2.1;proto=http"},
        {"HTTP_FORWARDED": 'for="[2001:db8::1]:4711"'},
        {"HTTP_FORWARDED": 'for=127.0.0.1, For="192.0.2.1:80";by=203.0.113.43'},
    ],
)
def test_a_proxy_that_nobody_has_told_of_tells_of_others_too(ask, peer, headers):
    ask(peer, **headers)

    assert exposure.exposure_reasons()


@pytest.mark.parametrize("header", ["HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED"])
@pytest.mark.parametrize("value", ["", "unknown", "for=_hidden", "for=127.0.0.1", "\x00", "for=" * 9999, "::1"])
def test_what_a_header_says_of_no_other_machine_says_nothing(ask, header, value):
    ask("127.0.0.1", **{header: value})

    assert exposure.exposure_reasons() == []


def test_a_proxy_on_this_machine_tells_of_others_where_it_is_trusted(ask, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    ask("127.0.0.1", "192.0.2.1, 127.0.0.1")
    assert exposure.exposure_reasons() == []
    ask("", "127.0.0.1, 192.0.2.1")
    assert exposure.exposure_reasons()


def test_requests_are_recorded_once_a_minute_and_from_this_machine_without_a_statement(
    monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(exposure, "_quiet_until", 0.0)
    with django_assert_num_queries(0):
        exposure.record_request({"REMOTE_ADDR": "127.0.0.1"})
    exposure.record_request({"REMOTE_ADDR": "192.0.2.1"})
    with django_assert_num_queries(0):
        exposure.record_request({"REMOTE_ADDR": "192.0.2.1"})
    assert ListeningAddress.objects.count() == 1
    monkeypatch.setattr(exposure, "_quiet_until", 0.0)
    exposure.record_request({"REMOTE_ADDR": "192.0.2.1"})
    assert ListeningAddress.objects.count() == 1


def test_requests_count_for_seven_days_whatever_process_had_them(ask):
    ask("192.0.2.1")
    ListeningAddress.objects.update(seen_at=timezone.now() - timedelta(days=6))
    exposure.record_listening(["127.0.0.1"], os.getpid())
    assert exposure.exposure_reasons()
    ListeningAddress.objects.update(seen_at=timezone.now() - timedelta(days=7, seconds=1))
    assert exposure.exposure_reasons() == []


def test_runserver_records_where_it_listens_before_it_answers(monkeypatch):
    recorded = []
    command = load_command_class("console", "runserver")
    monkeypatch.setattr(exposure, "record_while_alive", lambda *given: recorded.append(given))
    monkeypatch.setattr(type(command).__base__, "inner_run", lambda self, *given, **options: self.on_bind(8000))
    call_command(command, "0.0.0.0:8000", "--noreload", stdout=io.StringIO())

    assert recorded == [(["0.0.0.0"], os.getpid())]


def test_a_process_starts_and_goes_on_where_the_database_does_not_answer(monkeypatch, caplog):
    started = []
    monkeypatch.setattr(exposure, "record_listening", Mock(side_effect=OperationalError("away")))
    monkeypatch.setattr(exposure.threading, "Thread", lambda **given: started.append(given["args"]) or Mock())

    ended = exposure.record_while_alive(["127.0.0.1"], os.getpid())

    assert started == [(["127.0.0.1"], os.getpid(), exposure.RETRY_SECONDS, ended)]
    assert "The database does not answer: away" in caplog.text


def test_a_worker_that_ends_records_no_more(monkeypatch, on_loopback):
    """The fixture that looks for threads which outlive a test holds it to that."""
    monkeypatch.setattr(worker, "prepare", lambda jobs: SimpleNamespace(run=lambda: None))

    call_command("worker", stdout=io.StringIO())

    assert ListeningAddress.objects.filter(address=exposure.WORKER).exists()


def test_what_the_published_password_opened_ends_as_soon_as_the_database_answers(monkeypatch, caplog):
    tries = []

    def end():
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("away")

    monkeypatch.setattr(published_password, "revoke_access", end)
    monkeypatch.setattr(exposure, "RETRY_SECONDS", 0)
    threads = []
    monkeypatch.setattr(threading.Thread, "start", lambda thread: threads.append(thread) or thread.run())

    published_password.revoke_access_when_possible()

    assert len(threads) == 1
    assert len(tries) == 3


def test_another_worker_is_one_that_is_not_this_process():
    exposure.record_listening([exposure.WORKER], os.getpid())
    assert (exposure.has_worker(), exposure.has_other_worker()) == (True, False)
    exposure.record_listening([exposure.WORKER], os.getppid())
    assert exposure.has_other_worker()
    ListeningAddress.objects.filter(process_id=os.getppid()).delete()
    ListeningAddress.objects.update(machine="elsewhere", process_space="elsewhere")
    assert exposure.has_other_worker()
