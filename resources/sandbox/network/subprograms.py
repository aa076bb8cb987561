"""Starting the programs beside a run: with the code here, an environment of their own, and no more of the worker's."""

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_CODE = "import sys; sys.path.insert(0, {root!r}); from resources.sandbox.network import {name}; {name}.main()"
_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8"}


def start(name: str, config: bytes, complaints: int, *descriptors: int) -> subprocess.Popen[bytes]:
    """Start a module of this package as a program, whose stderr is the file `complaints`.

    Its arguments are the descriptor of a file with its config, and the other descriptors.

    Raises:
        OSError: when it cannot be started.
    """
    config_file = os.memfd_create("latchkey")
    try:
        os.write(config_file, config)
        os.lseek(config_file, 0, os.SEEK_SET)
        code = _CODE.format(root=str(_ROOT), name=name)
        return subprocess.Popen(  # noqa: S603  # no shell, and no words of others among the arguments
            [sys.executable, "-I", "-S", "-c", code, *map(str, (config_file, *descriptors))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            env=_ENVIRONMENT,
            cwd="/",
            pass_fds=(config_file, *descriptors),
            start_new_session=True,
        )
    finally:
        os.close(config_file)
