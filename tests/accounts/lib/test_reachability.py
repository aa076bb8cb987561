"""Whether a database can be reached, where the process can start no thread to find out."""

import threading

import pytest

from accounts.lib.postgresql.reachability import Reachability, Verdict
from tests.support.ports import free_port


def _fail(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_what_cannot_be_asked_is_asked_again(monkeypatch):
    reachability = Reachability({"host": "127.0.0.1", "port": str(free_port()), "user": "ada"})
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", _fail)
        with pytest.raises(RuntimeError):
            reachability.ask()
    reachability.check()
    monkeypatch.setattr(Reachability, "_wait_for_return", lambda self: None)  # it would never end
    assert reachability.ask() is Verdict.AWAY
    with pytest.raises(Exception, match="cannot be reached"):
        reachability.check()
