"""How many connections of a run are passed on at once."""

import select
import socket
from functools import partial

from resources.sandbox.network import relay


def test_more_connections_than_that_wait_until_one_ends():
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_server(("127.0.0.1", 0)) as target:
        relay.serve(listening, partial(relay.connected, *target.getsockname()), 2)
        clients = [socket.create_connection(listening.getsockname(), timeout=60) for _ in range(3)]
        for number, client in enumerate(clients):
            client.sendall(str(number).encode())
        target.settimeout(60)
        outside = {}
        for _ in range(2):
            connection, _ = target.accept()
            outside[connection.recv(1)] = connection
        assert outside.keys() == {b"0", b"1"}
        assert select.select([target], [], [], 0)[0] == []
        clients[1].close()
        outside[b"1"].close()
        third, _ = target.accept()
        assert third.recv(1) == b"2"
        for each in (third, outside[b"0"], clients[0], clients[2]):
            each.close()
