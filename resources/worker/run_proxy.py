"""The proxy that each program of a run has, which it finds by the variables that Apify documents for Actors.

It leads to a proxy that PROXY_URL or PROXY_GROUPS names, or where these name none, directly to what is asked for. With
a network of its own, a program has it on its loopback, where nothing else gets to it. One that shares the server's
network has it on the server's loopback: there the password keeps the runs of other accounts away.
"""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Final

from django.conf import settings

from resources.models import Run
from resources.runs.proxy_password import make_proxy_password
from resources.sandbox.bubblewrap import Isolation
from resources.sandbox.network import subprograms
from resources.sandbox.network.proxy import ProxyPlan

# On the loopback of a run, at a port that no program there can take by listening everywhere.
ADDRESS: Final = ("127.76.0.81", 80)
DIRECTLY: Final = (
    "This server names no proxy (PROXY_URL): what the Actor asks for by its proxy goes out directly, from the address "
    "of this server."
)
_ENDING_SECONDS: Final = 10


class RunProxy:
    """The proxy of one program. `is_shared` tells whether it is on the server's loopback."""

    def __init__(self, plan: ProxyPlan, *, is_shared: bool) -> None:
        self.plan = plan
        self.is_shared = is_shared

    def variables(self) -> dict[str, str]:
        """Return the variables by which the program finds it."""
        return {
            "APIFY_PROXY_HOSTNAME": self.plan.host,
            "APIFY_PROXY_PORT": str(self.plan.port),
            "APIFY_PROXY_PASSWORD": self.plan.password,
            "APIFY_PROXY_STATUS_URL": f"http://{self.plan.host}:{self.plan.port}",
        }

    def take_notice(self) -> str:
        """Return what the log is to say, once, when the proxy was used for the first time; "" for nothing."""
        try:
            os.eventfd_read(self.plan.used)
        except BlockingIOError:
            return ""
        return "" if self.plan.upstreams else DIRECTLY


@contextmanager
def open_proxy(run: Run, isolation: Isolation) -> Iterator[RunProxy]:
    """Return the proxy of a program for as long as the block lasts; with a network of its own, that starts it."""
    used = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    try:
        password = make_proxy_password(run.owner_id)
        if isolation.shares_network:
            with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
                host, port = listening.getsockname()
                plan = ProxyPlan(host, port, password, settings.PROXIES, used)
                with _serving(plan, listening):
                    yield RunProxy(plan, is_shared=True)
        else:
            yield RunProxy(ProxyPlan(*ADDRESS, password, settings.PROXIES, used), is_shared=False)
    finally:
        os.close(used)


@contextmanager
def _serving(plan: ProxyPlan, listening: socket.socket) -> Iterator[None]:
    """Have a process of its own serve a plan, as long as the block lasts."""
    ours, theirs = socket.socketpair()
    config = json.dumps({"parent": os.getpid(), "proxy": asdict(plan)}).encode()
    descriptors = (listening.fileno(), theirs.fileno(), plan.used)
    with ours:
        with theirs:
            process = subprograms.start("proxy_program", config, subprocess.DEVNULL, *descriptors)
        try:
            yield
        finally:
            ours.close()
            try:
                process.wait(_ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
