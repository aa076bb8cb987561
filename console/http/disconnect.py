"""Detect that the client has closed the connection."""

import socket

from django.http import HttpRequest

from console.http.joined_socket import HeaderBufferingSocket


def is_connected(request: HttpRequest) -> bool:
    """Tell whether the client has not closed the connection; where that cannot be seen, it is taken to be there."""
    connection = request.META.get("gunicorn.socket")
    if not isinstance(connection, socket.socket | HeaderBufferingSocket):
        return True
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except (BlockingIOError, InterruptedError, ValueError):  # nothing to read, or a socket that cannot be peeked into
        return True
    except OSError:
        return False
