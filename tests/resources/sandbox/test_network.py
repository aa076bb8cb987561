"""What a run or build reaches: public addresses and what is allowed, and nothing of the machine or of private networks.

The Actors here try what they must not reach, in a machine and a world of namespaces (`tests/support/network_world.py`).
Each try is also made with the server's network, where it succeeds: so no test passes for another reason than the
network.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from django.core.management import call_command

from accounts.deployment import exposure
from resources.jobs.status import JobStatus
from resources.logs.reading import read_text
from resources.models import Run
from resources.runs import starting as runs
from resources.sandbox import bubblewrap, processes
from resources.sandbox.bubblewrap import Isolation, IsolationMissing
from resources.sandbox.directories import PACKAGES
from resources.sandbox.network import namespaces, starting, user_mode
from resources.sandbox.network.starting import NetworkFailed, RunNetwork
from resources.worker import build_directory, execute_run, supervise
from resources.worker.installations import Installation
from resources.worker.log_writer import Lines
from tests.support.machine import check_programs, needs_programs
from tests.support.network_world import OWN, PRIVATE, PUBLIC, ROOT, World, needs_namespaces
from tests.support.source_host import Hosting
from tests.support.work_stage import actor_of, built, needs_bubblewrap, started

pytestmark = [pytest.mark.django_db, needs_bubblewrap, pytest.mark.usefixtures("looks_often")]

# Tries each of TRIES at the same time, and prints as one JSON object what came of them.
PROBE = """
import errno, json, os, socket, threading, time

def tried(way, host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if way == "name":
        host = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0][4][0]
    kind = socket.SOCK_DGRAM if "udp" in way else socket.SOCK_STREAM
    with socket.socket(family, kind) as trying:
        trying.settimeout(seconds)
        if "bound" in way:
            names = [name for _, name in socket.if_nameindex() if name != "lo"]
            trying.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, names[0].encode())
        if "broadcast" in way:
            trying.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        if kind == socket.SOCK_DGRAM:
            trying.sendto(b"anybody?", (host, port))
        else:
            trying.connect((host, port))
        return "reached" if trying.recv(100) else "nothing"

def attempt(number, way, host, port):
    until = time.monotonic() + seconds
    while True:
        try:
            found[number] = tried(way, host, port)
        except OSError as error:
            found[number] = "refused"
            # The next router is asked for three times within three seconds; a busy machine may answer later.
            if error.errno == errno.EHOSTUNREACH and time.monotonic() < until:
                time.sleep(0.1)
                continue
        return

tries, seconds = json.loads(os.environ["TRIES"])
found = [None] * len(tries)
threads = [threading.Thread(target=attempt, args=(number, *each)) for number, each in enumerate(tries)]
for each in threads: each.start()
for each in threads: each.join()
print(json.dumps(dict(zip(map(" ".join, (map(str, each) for each in tries)), found))))
"""
Try = tuple[str, str, int]
PUBLIC_TRIES: list[Try] = [(way, host, 80) for host in PUBLIC for way in ("tcp", "udp")] + [("name", "public.test", 80)]
HOSTILE_TRIES: list[Try] = [
    *((way, host, 5432) for host in OWN for way in ("tcp", "udp")),
    *((way, host, 80) for host in PRIVATE for way in ("tcp", "udp", "bound tcp", "bound udp")),
    *((way, host, 5432) for host in OWN[2:] for way in ("bound tcp", "bound udp")),
    *((way, f"::ffff:{host}", 80) for host in ("10.9.9.9", "169.254.169.254") for way in ("tcp", "udp")),
    ("bound broadcast udp", "5.5.5.255", 80),
    ("bound broadcast udp", "255.255.255.255", 80),
    ("name", "private.test", 80),
    ("name", "here.test", 5432),
    ("name", "own.test", 5432),
]


@pytest.fixture(scope="module")
def world():
    with World() as world:
        yield world


@pytest.fixture
def only(monkeypatch, tmp_path):
    """Let only these of the programs be installed that isolate."""

    def let(*names: str) -> None:
        programs = tmp_path / "-".join(["programs", *names])
        programs.mkdir()
        for name in {"bwrap", "pasta", "slirp4netns", "git"} & {*names, "git"}:
            if found := shutil.which(name):
                (programs / name).symlink_to(found)
        monkeypatch.setenv("PATH", str(programs))

    return let


def needs(name: str):
    return pytest.param(name, marks=needs_programs(name))


@pytest.fixture(params=[needs("pasta"), needs("slirp4netns")])
def by(request, only) -> str:
    """Let only one of the user-mode networks be installed."""
    only("bwrap", request.param)
    return request.param


@pytest.fixture
def tries(world, ada, settings, monkeypatch, tmp_path):
    """Have an Actor on the machine try to reach things, and return what came of each, by "way host port"."""
    conf = tmp_path / "resolv.conf"
    conf.write_text("nameserver 8.8.4.4\n")
    monkeypatch.setattr(starting, "RESOLV_CONF", conf)
    settings.RUN_PASSES_ON = ["TRIES"]
    actor = actor_of(ada, {"main.py": PROBE})
    assert built(actor).status == JobStatus.SUCCEEDED

    def attempt(*wanted: Try, seconds: int = 8) -> dict[str, str]:
        monkeypatch.setenv("TRIES", json.dumps([wanted, seconds]))
        run = runs.start(actor, by=ada.principal)
        with world.entered():
            execute_run.execute(run.pk)
        return found_by(run)

    return attempt


def found_by(run: Run) -> dict[str, str]:
    log = read_text(run.pk)
    (line,) = [line for line in log.splitlines() if " {" in line] or pytest.fail(log)
    found: dict[str, str] = json.loads(line.partition(" ")[2])
    return found


def reached(found: dict[str, str]) -> set[str]:
    return {tried for tried, came in found.items() if came == "reached"}


def text(*tries: Try) -> set[str]:
    return {" ".join(map(str, each)) for each in tries}


# What is refused


@needs_namespaces
def test_a_run_reaches_public_addresses_and_no_others(tries, by):
    found = tries(*PUBLIC_TRIES, *HOSTILE_TRIES)
    assert reached(found) == text(*PUBLIC_TRIES)
    run = Run.objects.get()
    assert run.sent_bytes > 0
    assert run.received_bytes > 0


@needs_namespaces
def test_the_same_tries_reach_everything_by_the_network_of_the_server(tries, settings):
    """So that the test above cannot pass for another reason than the network."""
    settings.RUN_NETWORK = "shared"
    wanted = [each for each in (*PUBLIC_TRIES, *HOSTILE_TRIES) if each[0] != "name"]
    assert reached(tries(*wanted)) == text(*wanted)


@needs_namespaces
def test_an_address_that_the_machine_gets_while_a_run_goes_on_is_refused_too(world, by):
    with world.entered():
        network = RunNetwork(starting.find_user_mode_network())
        assert answers(network, "9.9.9.9", 5432) is False  # nobody's yet; the world does not answer there
        world.on_machine("addr", "add", "9.9.9.9/32", "dev", "world")
        try:
            with socket.create_connection(("9.9.9.9", 5432), timeout=5):
                pass
            end = time.monotonic() + 60
            while attempted(network, "9.9.9.9", 5432) != "refused":  # the network reads the addresses at its own time
                assert time.monotonic() < end
        finally:
            world.on_machine("addr", "del", "9.9.9.9/32", "dev", "world")
            network.close()


@needs_namespaces
def test_the_addresses_of_a_run_are_settled_when_it_begins(world, by):
    """A browser gives up a page whose network changes while it loads, as when the kernel has tried out an address."""
    with world.entered():
        network = RunNetwork(starting.find_user_mode_network())
        try:
            code = "print(open('/proc/net/if_inet6').read())"
            lines = in_network(network, code).communicate(timeout=60)[0].split("\n")
        finally:
            network.close()
    found = {name: int(flags, 16) for _, _, _, _, flags, name in map(str.split, filter(None, lines))}
    assert set(found) == {"lo", "eth0"}
    assert not [name for name, flags in found.items() if flags & 0x40], lines  # IFA_F_TENTATIVE
    assert not [line for line in lines if line.startswith("fe80")], lines


# What is passed on


def name_of_loopback() -> str:
    """Return a name by which this machine knows 127.0.0.1 besides localhost, "" for none."""
    lines = map(str.split, Path("/etc/hosts").read_text().splitlines())
    found = [name for address, *names in filter(None, lines) if address == "127.0.0.1" for name in names]
    return next((name for name in found if not name.startswith("localhost")), "")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "5.5.5.2", "[fd00:5::2]", "by name"])
@needs_namespaces
def test_the_api_is_reached_by_its_public_url_and_no_other_port_there_is(tries, by, settings, host):
    host = (name_of_loopback() or pytest.skip("/etc/hosts has no such name")) if host == "by name" else host
    settings.PUBLIC_URL = f"http://{host}:8000"
    way = "tcp" if host[0] in "15[" else "name"
    wanted = [(way, host.strip("[]"), port) for port in (8000, 5432, 9000, 80)]
    # All of these are answered or refused at once, so that only a busy machine takes time.
    assert reached(tries(*wanted, seconds=60)) == text(wanted[0])


@needs_namespaces
def test_what_the_setting_names_is_reached_and_nothing_beside_it(tries, by, settings):
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    settings.RUN_NETWORK_ALLOW = [
        *("127.0.0.1:5432", "[::1]:9000", "10.5.5.2:5432", "172.16.9.9", "192.168.0.0/16", "10.0.0.0/8:80"),
        *("[fd00:9::9]:80", "2002:a9fe:a9fe::/48"),
    ]
    allowed = [
        *(("tcp", "127.0.0.1", 5432), ("tcp", "::1", 9000), ("tcp", "10.5.5.2", 5432), ("tcp", "172.16.9.9", 80)),
        *(("udp", "172.16.9.9", 80), ("tcp", "192.168.9.9", 25), ("tcp", "10.9.9.9", 80), ("tcp", "fd00:9::9", 80)),
        ("tcp", "2002:a9fe:a9fe::9", 80),
    ]
    refused = [
        *(("tcp", "127.0.0.1", 9000), ("tcp", "::1", 5432), ("tcp", "10.5.5.2", 9000), ("tcp", "10.9.9.9", 25)),
        *(("udp", "10.9.9.9", 80), ("tcp", "fd00:9::9", 25), ("tcp", "fd00:ec2::254", 80)),
        *(("tcp", "169.254.169.254", 80), ("bound tcp", "10.9.9.9", 25), ("tcp", "fd00:5::2", 5432)),
    ]
    assert reached(tries(*allowed, *refused)) == text(*allowed)


@needs_namespaces
def test_a_network_that_is_allowed_does_not_let_through_to_the_machine_itself(tries, by, settings):
    settings.RUN_NETWORK_ALLOW = ["0.0.0.0/0", "::/0"]
    wanted = [("tcp", host, 5432) for host in OWN]
    assert reached(tries(("tcp", "10.9.9.9", 80), ("tcp", "fd00:9::9", 80), *wanted)) == text(
        ("tcp", "10.9.9.9", 80), ("tcp", "fd00:9::9", 80)
    )


@needs_namespaces
def test_a_host_that_is_allowed_is_found_and_reached_at_its_port_only(tries, by, settings, monkeypatch):
    monkeypatch.setattr(starting, "_resolve_addresses", lambda name: ["10.9.9.9"])
    settings.RUN_NETWORK_ALLOW = ["index.test:80"]
    assert reached(tries(("name", "index.test", 80), ("name", "index.test", 25))) == {"name index.test 80"}


def test_a_host_that_is_on_loopback_is_passed_on_to_by_its_name(settings, monkeypatch):
    """By the name, so that it may lead somewhere else a minute later."""
    monkeypatch.setattr(starting, "_resolve_addresses", lambda name: ["127.0.0.1", "::1"])
    settings.PUBLIC_URL, settings.RUN_NETWORK_ALLOW = "https://latchkey.test", ["index.test:3141", "index.test:80"]
    plan = starting._Plan(is_open=True, relays={})
    assert plan.wanted(None).relays == [
        ("127.77.0.1", 443, "latchkey.test", 443),
        ("127.77.0.2", 3141, "index.test", 3141),
        ("127.77.0.2", 80, "index.test", 80),
    ]
    assert b"127.77.0.1 latchkey.test\n127.77.0.2 index.test\n" in plan.hosts()


@needs_namespaces
def test_no_run_can_use_what_is_there_for_another_one(world, by, settings):
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    with world.entered():
        first, second = RunNetwork(starting.find_user_mode_network()), RunNetwork(starting.find_user_mode_network())
        guest = str(user_mode.GUEST_4)
        assert answers(first, "127.0.0.1", 8000)
        held = in_network(
            first,
            "import socket,sys; s=socket.create_server(('0.0.0.0', 7000)); print('on', flush=True); sys.stdin.read()",
        )
        assert held.stdout.readline() == "on\n"
        for host in (guest, "198.18.53.1", "127.0.0.1", str(user_mode.GATEWAY_4)):
            assert not answers(second, host, 7000)
        held.stdin.close()
        held.wait(60)
        first.close()
        second.close()


# What is missing, and what is set


@pytest.mark.parametrize("missing", ["bwrap", "pasta", "slirp4netns", "both"])
def test_what_is_needed_is_looked_for_and_what_is_missing_is_said(ada, only, settings, monkeypatch, missing):
    programs = {"bwrap", "pasta", "slirp4netns"} - ({"pasta", "slirp4netns"} if missing == "both" else {missing})
    check_programs(*programs)
    only(*programs)
    run = started(ada, {"main.py": "print('hello')"})
    execute_run.execute(run.pk)
    log = read_text(run.pk)
    assert " hello\n" in log
    assert ("not isolated from the server. bubblewrap (bwrap) is not installed." in log) == (missing == "bwrap")
    assert ("shares the network of the server. Neither pasta (of passt) nor" in log) == (missing == "both")
    assert ("It runs because only this machine reaches the server." in log) == (missing in ("bwrap", "both"))


@pytest.mark.parametrize(("missing", "package"), [("bwrap", "bubblewrap"), ("network", "passt or slirp4netns")])
@pytest.mark.parametrize("way", ["PUBLIC_URL", "ALLOWED_HOSTS", "listening"])
def test_where_others_reach_the_deployment_nothing_runs_without(ada, only, settings, missing, package, way):
    run = started(ada, {"main.py": "print('hello')"})
    only(*({"bwrap", "pasta", "slirp4netns"} - ({"bwrap"} if missing == "bwrap" else {"pasta", "slirp4netns"})))
    if way == "PUBLIC_URL":
        settings.PUBLIC_URL = "https://latchkey.example"
    elif way == "ALLOWED_HOSTS":
        settings.ALLOWED_HOSTS = ["latchkey.example"]
    else:
        exposure.record_listening(["0.0.0.0"], os.getpid())
    execute_run.execute(run.pk)
    run.refresh_from_db()
    log = read_text(run.pk)
    assert run.status == JobStatus.FAILED
    assert "hello" not in log
    assert "others reach this server" in log
    assert f"Install {package}" in log
    refused = built(actor_of(ada, {"main.py": ""}, name="other"))
    assert refused.status == JobStatus.FAILED
    assert f"Install {package}" in refused.status_message


def exposed_when_it_says_ready(monkeypatch) -> None:
    """Let others reach the deployment as soon as what runs prints "ready"."""
    feed = Lines.feed

    def fed(self, data: bytes) -> None:
        feed(self, data)
        if b"ready" in data:
            exposure.record_listening(["0.0.0.0"], os.getpid())

    monkeypatch.setattr(Lines, "feed", fed)
    monkeypatch.setattr(supervise, "EXPOSURE_SECONDS", 0.0, raising=False)
    monkeypatch.setattr(supervise, "POLL_SECONDS", 0.02)


WAITS = "print('ready', flush=True)\nimport time\ntime.sleep(15)\n"


@pytest.mark.parametrize("missing", ["bwrap", "network"])
def test_a_run_without_isolation_ends_when_others_reach_the_deployment(ada, only, monkeypatch, missing):
    run = started(ada, {"main.py": WAITS}, restart_on_error=True)
    only(*({"bwrap", "pasta", "slirp4netns"} - ({"bwrap"} if missing == "bwrap" else {"pasta", "slirp4netns"})))
    exposed_when_it_says_ready(monkeypatch)
    execute_run.execute(run.pk)
    run.refresh_from_db()
    assert run.status == JobStatus.FAILED
    assert run.status_message.startswith("Others can reach this server now, and this run ")
    assert "it is stopped." in read_text(run.pk)
    assert run.restart_count == 0


def test_a_build_without_isolation_ends_when_others_reach_the_deployment(ada, only, monkeypatch):
    only()
    exposed_when_it_says_ready(monkeypatch)
    monkeypatch.setattr(
        build_directory, "installations", lambda project: [Installation([sys.executable, "-c", WAITS], PACKAGES)]
    )
    build = built(actor_of(ada, {"main.py": "", "requirements.txt": "x"}))
    assert build.status == JobStatus.FAILED
    assert build.status_message.startswith("Others can reach this server now, and this build is not isolated")


def test_a_run_that_may_run_without_isolation_anywhere_goes_on(ada, only, settings, monkeypatch):
    run = started(ada, {"main.py": "print('ready', flush=True)\nimport time\ntime.sleep(0.5)\n"})
    settings.RUN_ISOLATION = "none"
    exposed_when_it_says_ready(monkeypatch)
    execute_run.execute(run.pk)
    run.refresh_from_db()
    assert run.status == JobStatus.SUCCEEDED


def test_what_is_set_to_be_shared_runs_where_others_reach_the_deployment(ada, only, settings):
    only("bwrap")
    settings.PUBLIC_URL, settings.RUN_NETWORK = "https://latchkey.example", "shared"
    run = started(ada, {"main.py": "print('hello')"})
    execute_run.execute(run.pk)
    assert " hello\n" in read_text(run.pk)
    assert "network" not in read_text(run.pk)
    only()
    settings.RUN_ISOLATION = "none"
    assert bubblewrap.isolation() == Isolation(on=False)


def test_what_is_set_to_be_isolated_runs_nothing_without_on_loopback_either(only, settings):
    only("bwrap")
    settings.RUN_NETWORK = "isolated"
    with pytest.raises(IsolationMissing, match=r"demands that Actors are isolated.*Install passt or slirp4netns"):
        bubblewrap.isolation()
    settings.RUN_NETWORK = "none"
    assert bubblewrap.isolation() == Isolation(on=True, shares_network=False)


@needs_namespaces
def test_with_no_network_only_the_api_and_what_is_allowed_with_a_port_are_reached(tries, only, settings):
    only("bwrap")
    settings.PUBLIC_URL, settings.RUN_NETWORK = "http://127.0.0.1:8000", "none"
    settings.RUN_NETWORK_ALLOW = ["10.9.9.9:80", "172.16.9.9"]
    allowed = [("tcp", "127.0.0.1", 8000), ("tcp", "10.9.9.9", 80)]
    assert reached(tries(*allowed, *PUBLIC_TRIES, ("tcp", "172.16.9.9", 80), *HOSTILE_TRIES[:4])) == text(*allowed)


@needs_namespaces
def test_a_machine_without_any_network_still_runs_actors(ada, only, settings, world):
    only("bwrap", "pasta", "slirp4netns")
    run = started(ada, {"main.py": "print('hello')"})
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    libc = ctypes.CDLL(None)
    assert libc.unshare(0x40000000) == 0
    try:
        execute_run.execute(run.pk)
    finally:
        assert libc.setns(before, 0x40000000) == 0
        os.close(before)
    assert " hello\n" in read_text(run.pk)


def test_one_that_does_not_work_gives_way_to_the_other_and_is_named_where_there_is_none(only, monkeypatch, tmp_path):
    check_programs("slirp4netns")
    only("bwrap", "slirp4netns")
    broken = Path(os.environ["PATH"]) / "pasta"
    broken.write_text("#!/bin/sh\necho 'No TUN device' >&2\nexit 1\n")
    broken.chmod(0o755)
    assert starting.find_user_mode_network()[0] == "slirp4netns"
    (broken.parent / "slirp4netns").unlink()
    with pytest.raises(NetworkFailed, match=r"pasta does not work here: pasta ended with 1\. No TUN device"):
        starting.find_user_mode_network()


def test_a_network_that_cannot_be_set_up_fails_the_run_with_a_message(ada, only, monkeypatch):
    only("bwrap", "pasta", "slirp4netns")
    run = started(ada, {"main.py": "print('hello')"})
    bubblewrap.isolation()
    for name in ("pasta", "slirp4netns"):  # it worked a moment ago
        path = Path(os.environ["PATH"]) / name
        path.unlink(missing_ok=True)
        path.write_text("#!/bin/sh\nexit 1\n")
        path.chmod(0o755)
    execute_run.execute(run.pk)
    run.refresh_from_db()
    assert run.status == JobStatus.FAILED
    assert "a network of its own could not be set up" in run.status_message
    assert "hello" not in read_text(run.pk)


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        (("bwrap", "pasta"), "isolated by bubblewrap, with a network of their own by pasta."),
        (("bwrap", "slirp4netns"), "isolated by bubblewrap, with a network of their own by slirp4netns."),
        (("bwrap",), "share the network of this server. Neither pasta (of passt) nor slirp4netns is installed."),
        (("pasta",), "are NOT ISOLATED from this server. bubblewrap (bwrap) is not installed."),
    ],
)
def test_a_worker_says_at_its_start_how_runs_are_kept_apart(only, capsys, monkeypatch, programs, said):
    check_programs(*programs)
    only(*programs)
    monkeypatch.setattr("resources.worker.worker.Worker.run", lambda worker: None)
    monkeypatch.setattr("resources.worker.worker.Worker.stop_on_signals", lambda worker: None)
    call_command("worker")
    assert said in capsys.readouterr().out


def test_a_worker_says_at_its_start_why_nothing_runs_and_who_reaches_the_deployment(
    only, capsys, monkeypatch, settings
):
    only("bwrap")
    settings.PUBLIC_URL = "https://latchkey.example"
    monkeypatch.setattr("resources.worker.worker.Worker.run", lambda worker: None)
    monkeypatch.setattr("resources.worker.worker.Worker.stop_on_signals", lambda worker: None)
    call_command("worker")
    printed = capsys.readouterr().out
    assert "PUBLIC_URL is https://latchkey.example." in printed
    assert "Install passt or slirp4netns" in printed


# What is left


def test_nothing_is_left_of_a_network_that_has_ended_or_never_began(by):
    before, files = set(tree(os.getpid())), sorted(Path("/proc/self/fd").iterdir())
    network = RunNetwork(starting.find_user_mode_network())
    pids = tree(network._process.pid)
    assert len(pids) >= 3
    network.close()
    network.close()
    wait_for_the_end_of(pids)
    assert not alive(pids)
    with pytest.raises(NetworkFailed):
        RunNetwork(("pasta", "/bin/false"))
    assert set(tree(os.getpid())) <= before
    assert sorted(Path("/proc/self/fd").iterdir()) == files


@pytest.mark.parametrize("dies", [0, 1, 2], ids=["the program", "one of two", "the other of two"])
def test_when_a_part_of_a_network_dies_all_of_it_and_the_run_end(ada, by, monkeypatch, dies):
    networks = []
    init = RunNetwork.__init__

    def noted(self, *arguments):
        init(self, *arguments)
        networks.append(tree(self._process.pid))

    run = started(ada, {"main.py": "import time\nprint('ready', flush=True)\ntime.sleep(600)"})
    monkeypatch.setattr(RunNetwork, "__init__", noted)
    feed = Lines.feed

    def listening(lines: Lines, printed: bytes) -> None:
        feed(lines, printed)
        if b"ready" in printed:
            os.kill(networks[-1][dies], signal.SIGKILL)

    monkeypatch.setattr(Lines, "feed", listening)
    execute_run.execute(run.pk)
    run.refresh_from_db()
    assert (run.status, run.exit_code) == (JobStatus.FAILED, 137)
    assert "Its network has failed" in read_text(run.pk)
    wait_for_the_end_of(networks[-1])


def test_a_network_dies_with_the_worker_that_is_killed(by):
    code = (
        "import os, time; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; import django; django.setup(); "
        "from resources.sandbox.network.starting import RunNetwork, find_user_mode_network; "
        "network = RunNetwork(find_user_mode_network()); "
        "print(network._process.pid, flush=True); time.sleep(600)"
    )
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    pids = tree(int(worker.stdout.readline()))
    assert len(pids) >= 3
    worker.kill()
    worker.wait()
    wait_for_the_end_of(pids)


# Builds


def test_a_build_that_is_refused_names_the_setting_and_succeeds_with_it(ada, by, settings, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as index:
        address = f"127.0.0.1:{index.getsockname()[1]}"
        installs = f"import socket; socket.create_connection(('127.0.0.1', {index.getsockname()[1]}), 5)"
        monkeypatch.setattr(
            build_directory, "installations", lambda project: [Installation([sys.executable, "-c", installs], PACKAGES)]
        )
        build = built(actor_of(ada, {"main.py": "", "requirements.txt": "x"}, name="refused"))
        assert build.status == JobStatus.FAILED
        assert "RUN_NETWORK_ALLOW" in build.status_message
        settings.RUN_NETWORK_ALLOW = [address]
        assert built(actor_of(ada, {"main.py": "", "requirements.txt": "x"}, name="allowed")).status == "SUCCEEDED"


@needs_namespaces
@pytest.mark.parametrize("host", ["10.9.9.9", "fd00:9::9", "2002:a09:909::9", "5.5.5.2"])
def test_a_build_that_is_refused_names_the_setting_wherever_it_wanted_to_go(ada, world, settings, monkeypatch, host):
    installs = f"import socket; socket.create_connection(({host!r}, 80), 5)"
    monkeypatch.setattr(
        build_directory, "installations", lambda project: [Installation([sys.executable, "-c", installs], PACKAGES)]
    )
    actor = actor_of(ada, {"main.py": "", "requirements.txt": "x"})
    with world.entered():
        build = built(actor)
    assert "RUN_NETWORK_ALLOW" in build.status_message


def test_a_build_that_fails_for_another_reason_does_not_name_it(ada, by, monkeypatch):
    monkeypatch.setattr(
        build_directory, "installations", lambda project: [Installation([sys.executable, "-c", "1/0"], PACKAGES)]
    )
    build = built(actor_of(ada, {"main.py": "", "requirements.txt": "x"}))
    assert "RUN_NETWORK_ALLOW" not in build.status_message


@pytest.mark.parametrize("kind", ["TARBALL", "GIT_REPO"])
def test_a_source_on_loopback_is_refused_and_names_the_setting(ada, tmp_path, kind):
    if kind == "GIT_REPO":
        check_programs("git")
    with Hosting(tmp_path) as host:
        host.files["/a"] = b"never asked for"
        actor = actor_of(ada, {"main.py": ""})
        actor.versions.update(source_type=kind, source_url=f"{host.url}/a")
        build = built(actor)
        assert build.status == JobStatus.FAILED
        assert "RUN_NETWORK_ALLOW" in build.status_message
        assert not host.asked


# Around the runs


def in_network(network: RunNetwork, code: str) -> subprocess.Popen[str]:
    """Start Python in the network of a run."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code],
        preexec_fn=partial(namespaces.enter, *network.namespaces),
        pass_fds=network.namespaces,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def attempted(network: RunNetwork, host: str, port: int) -> str:
    code = (
        f"import socket\ntry: print(bool(socket.create_connection(({host!r}, {port}), 3).recv(9)))\n"
        f"except TimeoutError: print('silent')\nexcept OSError: print('refused')"
    )
    return in_network(network, code).communicate(timeout=60)[0].strip()


def answers(network: RunNetwork, host: str, port: int) -> bool:
    return attempted(network, host, port) == "True"


def tree(pid: int) -> list[int]:
    return processes.process_tree(pid)


def wait_for_the_end_of(pids: list[int]) -> None:
    """Wait until processes have ended, and fail where one does not."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            ending = os.pidfd_open(pid)
            try:
                assert select.select([ending], [], [], 60)[0]
            finally:
                os.close(ending)


def alive(pids: list[int]) -> list[int]:
    """Return those that are no zombies, which wait for a parent that is not this process."""
    found = []
    for pid in pids:
        stat = Path(f"/proc/{pid}/stat")
        with contextlib.suppress(OSError):
            if stat.read_text().rpartition(")")[2].split()[0] != "Z":
                found.append(pid)
    return found
