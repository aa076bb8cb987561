"""Run as a program between the worker and what it starts: sets limits, ties the process to the worker, becomes it.

It reads from the file descriptor that is its only argument a JSON object `{"parent", "command", "environment",
"directory", "fileBytes", "processes", "keep", "namespaces"}`, where `keep` are file descriptors that the command
inherits, and `namespaces` those of namespaces that it is to be in, in the order in which they are entered. It imports
nothing but the standard library and is started with an environment of its own: the variables of an Actor, which may
say what to preload into a process, are first seen by what it becomes. What the worker cannot set between fork and
exec, because it has threads, is set here.
"""

import ctypes
import json
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_NICE, _OOM_SCORE = 5, b"500"


def _limit(which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))


def _die_with(parent: int) -> None:
    """Be killed when the worker dies, and adopt the orphans among one's descendants, so that none gets lost."""
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        # Of all processes, the kernel is to kill this one first when memory runs out.
        with open("/proc/self/oom_score_adj", "wb", buffering=0) as file:  # noqa: PTH123  # pathlib takes 20 ms to import
            file.write(_OOM_SCORE)
    if os.getppid() != parent:
        sys.exit("The worker died.")


def _enter(namespaces: list[int]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for descriptor in namespaces:
        if libc.setns(descriptor, 0):
            sys.exit(f"The network of this program could not be entered: {os.strerror(ctypes.get_errno())}.")
        os.close(descriptor)


def main() -> None:
    """Set everything and become the command."""
    with os.fdopen(int(sys.argv[1]), "rb") as file:
        config = json.load(file)
    _enter(config["namespaces"])
    _die_with(config["parent"])
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, config["fileBytes"])
    _limit(resource.RLIMIT_NPROC, config["processes"])
    os.nice(_NICE)
    for signal_number in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.SIG_DFL)
    for descriptor in config["keep"]:
        os.set_inheritable(descriptor, True)
    os.chdir(config["directory"])
    try:
        os.execve(config["command"][0], config["command"], config["environment"])  # noqa: S606  # no shell
    except OSError as error:
        sys.exit(f"{config['command'][0]} could not be started: {error.strerror}.")


if __name__ == "__main__":
    main()
