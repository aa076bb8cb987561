"""What keeps a run or build from everything that is none of its business: bubblewrap, where it is installed and works.

Inside there are the system's programs and libraries, the Python and Node.js that run Actors, what belongs to this very
job, and nothing else of the machine: no database, no data directory, no other run, no process but its own, no
capability. Calls of the kernel that no Actor needs are refused (`seccomp.py`). The network is shared, because Actors
crawl and call the API.

RUN_ISOLATION says what happens where that is not to be had: "auto" runs without it and says so in the log, "required"
refuses to run anything, "none" does not even look for it.
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

from django.conf import settings

from resources.work import seccomp

HOME = "/home/actor"
USER_ID = 1000
_PASSWD = Path(__file__).with_name("sandbox_passwd")
_PROBE_TIMEOUT = 10
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
# Enough of /etc to resolve names, check certificates and find libraries, and nothing that is secret.
_ETC = (
    *("hosts", "host.conf", "nsswitch.conf", "gai.conf", "services", "protocols", "localtime", "mime.types"),
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "crypto-policies"),
    "chromium.d",  # Debian's Chromium does not start without it
    *("ssl/certs", "ssl/openssl.cnf", "pki/tls/certs", "pki/ca-trust/extracted", "ca-certificates"),
)


class IsolationMissing(Exception):
    """Isolation is demanded, and cannot be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file or directory of the host that a job sees at `inside`, to read or to write."""

    host: Path
    inside: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Isolation:
    """Whether jobs are isolated, and if not, why: "" where nobody wants it."""

    on: bool
    why_not: str = ""


def isolation() -> Isolation:
    """Return how jobs are run here.

    Raises:
        IsolationMissing: when it is required and bubblewrap is not installed or does not work.
    """
    if settings.RUN_ISOLATION == "none":
        return Isolation(on=False)
    why_not = _why_not()
    if why_not and settings.RUN_ISOLATION == "required":
        raise IsolationMissing(f"This server demands that Actors are isolated, and that is not possible: {why_not}")
    return Isolation(on=not why_not, why_not=why_not)


def arguments(places: Sequence[Place], environment: Mapping[str, str], directory: str, memory_bytes: int) -> list[str]:
    """Return what bubblewrap is told: what is seen, the variables, where to start. `memory_bytes` bounds /tmp."""
    told = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    told += ["--disable-userns", "--cap-drop", "ALL", "--die-with-parent", "--new-session"]
    told += ["--uid", str(USER_ID), "--gid", str(USER_ID), "--hostname", "actor"]
    told += ["--proc", "/proc", "--dev", "/dev", "--size", str(memory_bytes), "--tmpfs", "/dev/shm"]  # noqa: S108
    told += ["--remount-ro", "/dev", "--size", str(memory_bytes), "--tmpfs", "/tmp"]  # noqa: S108  # one of its own
    system = _system()
    told += system  # after /tmp, which would cover an interpreter that lies there
    for place in places:
        told += ["--bind" if place.writable else "--ro-bind", str(place.host), place.inside]
    # What holds all this together, and what hides our own, are file systems in memory, too, and not to be filled.
    for option, inside in pairwise(system):
        told += ["--remount-ro", inside] if option == "--tmpfs" else []
    told += ["--remount-ro", "/", "--clearenv"]
    for name, value in environment.items():
        told += ["--setenv", name, value]
    return [*told, "--chdir", directory]


def file_of(content: bytes) -> int:
    """Return a descriptor of a file in memory with this content, to be read from its beginning."""
    descriptor = os.memfd_create("latchkey")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def bubblewrap() -> str | None:
    """Return the path of bubblewrap, None where it is not installed."""
    return shutil.which("bwrap")


def _system() -> list[str]:
    """Return what is seen by every job: programs, libraries, certificates, and the interpreters."""
    told = ["--ro-bind", "/usr", "/usr"]
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            told += ["--symlink", str(path.readlink()), name]
        elif path.is_dir():
            told += ["--ro-bind", name, name]
    for name in _ETC:
        told += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    told += ["--ro-bind", str(_PASSWD), "/etc/passwd"]
    told += ["--ro-bind-try", str(Path("/etc/resolv.conf").resolve()), "/etc/resolv.conf"]
    told += _hidden("/usr")
    for prefix in _prefixes():
        # The path may lead through links; it is the same path inside.
        told += ["--ro-bind", str(Path(prefix).resolve()), prefix, *_hidden(prefix)]
    return told


def _hidden(seen: str) -> list[str]:
    """Return what hides our own code and data where they lie below something that is seen."""
    told = []
    for ours in (settings.BASE_DIR, settings.DATA_DIR):
        if ours.is_relative_to(Path(seen).resolve()) and ours.is_dir() and ours != Path(seen).resolve():
            told += ["--tmpfs", str(Path(seen) / ours.relative_to(Path(seen).resolve()))]
    return told


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


@cache
def _why_not() -> str:
    """Return why bubblewrap cannot be used, "" where it can: found out by using it, once in a process."""
    program = bubblewrap()
    if program is None:
        return "bubblewrap (bwrap) is not installed."
    if seccomp.why_not():
        return seccomp.why_not()
    filtering = file_of(seccomp.filter_program())
    told = ["--seccomp", str(filtering), *arguments((), {"PATH": os.defpath}, "/", 1 << 20)]
    command = [program, *told, "--", sys.executable, "-I", "-S", "-c", ""]
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
