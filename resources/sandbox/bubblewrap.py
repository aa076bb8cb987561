"""Sandbox runs and builds with bubblewrap.

Inside there are the system's programs and libraries, the Python and Node.js that run Actors, what belongs to this very
job, and nothing else of the machine: no database, no data directory, no other run, no process but its own, no
capability. Calls of the kernel that no Actor needs are refused (`seccomp.py`). Of the network there are public
addresses and what RUN_NETWORK_ALLOW names (`resources/sandbox/network`).

RUN_ISOLATION and RUN_NETWORK say what happens where that is not to be had. "auto" runs without it where only this
machine reaches the deployment, and says so in the log; elsewhere it runs nothing, and ends what runs. "required", and
the networks "isolated" and "none", run nothing without. RUN_ISOLATION "none" and RUN_NETWORK "shared" do not even look
for it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from django.conf import settings

from accounts.deployment.exposure import exposure_reasons
from resources.sandbox import interpreters, seccomp
from resources.sandbox.network import starting
from resources.sandbox.network.starting import NetworkFailed

HOME = "/home/actor"
USER_ID = 1000
_PASSWD = Path(__file__).with_name("sandbox_passwd")
_PROBE_TIMEOUT = 10
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
# Enough of /etc to resolve names, check certificates and find libraries, and nothing that is secret.
_ETC = (
    *("hosts", "resolv.conf"),
    *("host.conf", "nsswitch.conf", "gai.conf", "services", "protocols", "localtime", "mime.types"),
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "crypto-policies"),
    "chromium.d",  # Debian's Chromium does not start without it
    *("ssl/certs", "ssl/openssl.cnf", "pki/tls/certs", "pki/ca-trust/extracted", "ca-certificates"),
)


# A pipe without a reader is an error to one who would write. Python ignores SIGPIPE, and what it becomes should not.
_STARTS = """
import os, select, sys, _signal
out = select.poll()
out.register(1, 0)
if out.poll(0):
    os._exit(1)
with open(int(sys.argv[1]), "rb") as file:
    variables = dict(each.split(b"=", 1) for each in file.read().split(b"\\0") if each)
variables[b"PWD"] = os.getcwdb()
_signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
try:
    os.execvpe(sys.argv[2], sys.argv[2:], variables)
except OSError as error:
    sys.exit(f"{sys.argv[2]} could not be started: {error.strerror}.")
"""


class IsolationMissing(Exception):
    """Isolation is needed, and cannot be had; the message says why, and what to install."""


@dataclass(frozen=True, slots=True)
class BindMount:
    """A file or directory of the host that a job sees at `inside`, to read or to write."""

    host: Path
    inside: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Isolation:
    """Whether jobs are isolated by bubblewrap, and if anything is missing, why: "" where that is as it was set.

    `shares_network` tells whether they have the network of the server. Otherwise `user_mode` is the name and path of
    the user-mode network by which public addresses are reached, None where only the API is.
    """

    on: bool
    why_not: str = ""
    shares_network: bool = True
    user_mode: tuple[str, str] | None = None

    def notice(self, job: str) -> str:
        """Return what the log of a run or build says where something is missing, "" where nothing is."""
        if not self.why_not:
            return ""
        said = "shares the network of the server" if self.on else "is not isolated from the server"
        return f"This {job} {said}. {self.why_not} It runs because only this machine reaches the server."

    def why_to_end(self, job: str) -> str:
        """Return why a job that runs like this has to end now, "" where it may go on; it may take a statement."""
        if not self.why_not or not exposure_reasons():
            return ""
        said = "shares the network of the server" if self.on else "is not isolated from the server"
        return f"Others can reach this server now, and this {job} {said}: it is stopped. {self.why_not}"


def isolation() -> Isolation:
    """Return how jobs are run here, now: what is installed may change, and who reaches the deployment too.

    Raises:
        IsolationMissing: when something is missing that is required, or that is needed because others reach the
            deployment.
    """
    if settings.RUN_ISOLATION == "none":
        return Isolation(on=False)
    problem = why_not()
    user_mode, network_problem = _network()
    missing = " ".join(filter(None, (problem, network_problem)))
    if missing:
        _refuse_where_needed(missing, to_install=_to_install(problem, network_problem))
    if problem:  # a network alone does not keep apart a run that has the rights of the server
        return Isolation(on=False, why_not=problem)
    shares = bool(network_problem) or settings.RUN_NETWORK == "shared"
    return Isolation(on=True, why_not=network_problem, shares_network=shares, user_mode=user_mode)


def _network() -> tuple[tuple[str, str] | None, str]:
    """Return the user-mode network that is used, and why there is none where one is wanted."""
    try:
        if settings.RUN_NETWORK == "none":
            starting.check_alone()
        elif settings.RUN_NETWORK != "shared":
            return starting.find_user_mode_network(), ""
    except NetworkFailed as error:
        return None, str(error)
    return None, ""


def _refuse_where_needed(missing: str, to_install: str) -> None:
    if settings.RUN_ISOLATION == "required" or settings.RUN_NETWORK in ("isolated", "none"):
        raise IsolationMissing(
            f"This server demands that Actors are isolated, and that is not possible: {missing} {to_install}"
        )
    if exposure_reasons():  # by what exactly is told where the worker starts: readers of logs need not know it
        raise IsolationMissing(
            f"Nothing runs here: Actors would reach all that this server can, and others reach this server. {missing} "
            f"{to_install}"
        )


def _to_install(problem: str, network_problem: str) -> str:
    packages = [*(["bubblewrap"] if problem else []), *(["passt or slirp4netns"] if network_problem else [])]
    setting = "RUN_ISOLATION=none" if problem else "RUN_NETWORK=shared"
    return f"Install {' and '.join(packages)}, or set {setting} to run all Actors without."


def bubblewrap_arguments(
    mounts: Sequence[BindMount],
    environment: Mapping[str, str],
    directory: str,
    memory_bytes: int,
    files: Mapping[str, int] = MappingProxyType({}),
) -> list[str]:
    """Return what bubblewrap is told: what is seen, the variables, where to start. `memory_bytes` bounds /tmp.

    `files` are seen in /etc instead of the machine's own: their names, and descriptors of what is in them.
    """
    arguments = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    arguments += ["--disable-userns", "--cap-drop", "ALL", "--die-with-parent", "--new-session"]
    arguments += ["--uid", str(USER_ID), "--gid", str(USER_ID), "--hostname", "actor"]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--size", str(memory_bytes), "--tmpfs", "/dev/shm"]  # noqa: S108
    arguments += ["--remount-ro", "/dev", "--size", str(memory_bytes), "--tmpfs", "/tmp"]  # noqa: S108  # one of its own
    system = _system(files)
    arguments += system  # after /tmp, which would cover an interpreter that lies there
    for mount in mounts:
        arguments += ["--bind" if mount.writable else "--ro-bind", str(mount.host), mount.inside]
    # What holds all this together, and what hides our own, are file systems in memory, too, and not to be filled.
    for option, inside in pairwise(system):
        arguments += ["--remount-ro", inside] if option == "--tmpfs" else []
    arguments += ["--remount-ro", "/", "--clearenv"]
    for name, value in environment.items():
        arguments += ["--setenv", name, value]
    return [*arguments, "--chdir", directory]


def end_without_worker(command: Sequence[str], environment: int) -> list[str]:
    """Return a command that is started inside only while there is a reader of its output, which is its worker.

    `environment` is the descriptor of its variables, as `encode_environment` writes them: none of them is seen before.
    The sandbox dies with bubblewrap, but only from the moment on that it is set up. Where the worker and bubblewrap are
    killed before that, it would go on for ever. This looks after that moment: the kernel closes what a process has open
    before it tells the children that it died.
    """
    return [sys.executable, "-I", "-S", "-c", _STARTS, str(environment), *command]


def encode_environment(environment: Mapping[str, str]) -> bytes:
    """Return variables as /proc/PID/environ has them."""
    return b"".join(os.fsencode(f"{name}={value}") + b"\0" for name, value in environment.items())


def make_memory_file(content: bytes) -> int:
    """Return a descriptor of a file in memory with this content, to be read from its beginning."""
    descriptor = os.memfd_create("latchkey")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def bubblewrap() -> str | None:
    """Return the path of bubblewrap, None where it is not installed."""
    return shutil.which("bwrap")


def _system(files: Mapping[str, int]) -> list[str]:
    """Return what is seen by every job: programs, libraries, certificates, and the interpreters."""
    arguments = ["--ro-bind", "/usr", "/usr"]
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), name]
        elif path.is_dir():
            arguments += ["--ro-bind", name, name]
    for name in _ETC:
        if name not in files:
            arguments += ["--ro-bind-try", str(Path(f"/etc/{name}").resolve()), f"/etc/{name}"]
    for name, descriptor in files.items():
        arguments += ["--ro-bind-data", str(descriptor), f"/etc/{name}"]
    arguments += ["--ro-bind", str(_PASSWD), "/etc/passwd"]
    arguments += _hidden("/usr")
    for prefix in _prefixes():
        # The path may lead through links; it is the same path inside.
        arguments += ["--ro-bind", str(Path(prefix).resolve()), prefix, *_hidden(prefix)]
    for path in interpreters.other_files():
        arguments += ["--ro-bind", str(path.resolve()), str(path)]
    return arguments


def _hidden(seen: str) -> list[str]:
    """Return what hides our own code and data where they lie below something that is seen."""
    arguments = []
    for ours in (settings.BASE_DIR, settings.DATA_DIR):
        if ours.is_relative_to(Path(seen).resolve()) and ours.is_dir() and ours != Path(seen).resolve():
            arguments += ["--tmpfs", str(Path(seen) / ours.relative_to(Path(seen).resolve()))]
    return arguments


@cache
def _prefixes() -> tuple[str, ...]:
    """Return the directories of the interpreters that are not among the system's."""
    found = dict.fromkeys((sys.base_prefix, sys.prefix))
    node = shutil.which("node")
    if node:
        found[str(Path(node).resolve().parent.parent)] = None
    return tuple(each for each in found if not _seen_with_the_system(Path(each)))


def _seen_with_the_system(prefix: Path) -> bool:
    """Tell whether a prefix is seen anyway: below /usr, and not hidden again with our own code."""
    return prefix == Path("/") or (prefix.is_relative_to("/usr") and not prefix.is_relative_to(settings.BASE_DIR))


def why_not() -> str:
    """Return why bubblewrap cannot be used, "" where it can."""
    program = bubblewrap()
    if program is None:
        return "bubblewrap (bwrap) is not installed."
    return seccomp.why_not() or _find_problem(program)


@cache
def _find_problem(program: str) -> str:
    """Return why bubblewrap does not work, "" where it does: found out by using it, once in a process."""
    filtering = make_memory_file(seccomp.filter_program())
    arguments = ["--seccomp", str(filtering), *bubblewrap_arguments((), {"PATH": os.defpath}, "/", 1 << 20)]
    command = [program, *arguments, "--", sys.executable, "-I", "-S", "-c", ""]
    try:
        done = subprocess.run(  # noqa: S603  # constants and paths
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_TIMEOUT,
            check=False,
            pass_fds=[filtering],
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not work here: {error}"
    finally:
        os.close(filtering)
    if done.returncode == 0:
        return ""
    said = done.stderr.strip().splitlines()
    return f"bubblewrap does not work here: {said[-1] if said else f'it ended with {done.returncode}'}"
