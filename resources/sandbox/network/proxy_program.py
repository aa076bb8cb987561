"""Run as a program beside a run that shares the network of the server: the proxy of that run.

Its arguments are descriptors: of a JSON object, `{"parent", "proxy"}`, of the socket that it listens at, and of a
socket to the worker. When the worker closes that, or dies, it ends.
"""

import json
import os
import socket
import sys

from resources.sandbox.network import relay
from resources.sandbox.network.program import die_with
from resources.sandbox.network.proxy import Proxy, decode_plan


def main() -> None:
    """Serve until the worker has no more need of it."""
    with os.fdopen(int(sys.argv[1]), "rb") as file:
        config = json.load(file)
    listening, worker = (socket.socket(fileno=int(each)) for each in sys.argv[2:4])
    die_with(config["parent"])
    Proxy(decode_plan(config["proxy"]), relay.connected).serve(listening)
    worker.recv(1)
    os._exit(0)  # not by way of threads that wait for ever
