"""What goes between a process that has items checked and the one that checks them.

A frame is a head of fixed size and a body. The head of a question says what is asked, after how many seconds the
process ends without an answer, and the length of the body; that of an answer has only the length.
"""

import socket
import struct
from typing import Final

# Compile the schema that is the body, JSON; the answer is why it cannot be used, in UTF-8, and empty when it can.
COMPILE: Final = b"C"
# Check the items that are the body, a line of JSON each, by the schema compiled last; the answer is JSON, a list.
CHECK: Final = b"V"
QUESTION: Final = struct.Struct("!cdQ")
ANSWER: Final = struct.Struct("!Q")
_MOST_AT_ONCE: Final = 1024 * 1024


def receive(connection: socket.socket, size: int) -> bytes:
    """Return the next `size` bytes.

    Raises:
        EOFError: when the other process has ended.
        OSError: when nothing came within the connection's timeout, or it is broken.
    """
    received = bytearray()
    while len(received) < size:
        piece = connection.recv(min(size - len(received), _MOST_AT_ONCE))
        if not piece:
            raise EOFError
        received += piece
    return bytes(received)
