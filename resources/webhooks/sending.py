"""One request of a webhook: to the address that was checked, bounded in time and in what is read of the answer."""

import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from socket import SHUT_RDWR, socket

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from resources.webhooks.addresses import AddressRefused, BadUrl, Target, parse, resolve_addresses

SECONDS = 30.0
CONNECT_SECONDS = 10.0
MAX_ANSWER_BYTES = 4000


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """What came of a request: the status and the beginning of the body, or in `error` a sentence why there is none."""

    status: int | None = None
    body: str | None = None
    error: str | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the receiver said that it has it."""
        return self.status is not None and 200 <= self.status < 300


class _Deadline:
    """Ends a connection that takes too long as a whole; a timeout for each read would let it trickle for ever."""

    def __init__(self, seconds: float) -> None:
        self.has_passed = False
        self._socket: socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> "_Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def holds(self, sock: socket) -> None:
        """Let the deadline hold for this connection."""
        self._socket = sock
        if self.has_passed:
            self._end()

    def _end(self) -> None:
        self.has_passed = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(SHUT_RDWR)


def post_webhook(
    url: str, body: bytes, headers: Mapping[str, str], *, ignore_ssl_errors: bool = False, seconds: float = SECONDS
) -> WebhookResponse:
    """Send `body` to `url` and return what came of it; whatever goes wrong is in the answer, and nothing is raised.

    Redirects are not followed. `seconds` are what the whole of it may take, from the first connection on.
    """
    try:
        target = parse(url)
        addresses = resolve_addresses(target)
    except (BadUrl, AddressRefused) as error:
        return WebhookResponse(error=str(error))
    with _Deadline(seconds) as deadline:
        try:
            return _exchange(target, addresses, body, headers, deadline, ignore_ssl_errors)
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            if deadline.has_passed:
                return WebhookResponse(error=f"The receiver did not answer within {seconds:g} seconds.")
            return WebhookResponse(error=_why(error))


def _exchange(
    target: Target,
    addresses: Sequence[str],
    body: bytes,
    headers: Mapping[str, str],
    deadline: _Deadline,
    ignore_ssl_errors: bool,
) -> WebhookResponse:
    connection = _connected(target, addresses, ignore_ssl_errors, deadline)
    try:
        sent = {**headers, "Host": target.host_header, "Connection": "close"}
        connection.request("POST", target.path, body=body, headers=sent, preload_content=False, decode_content=False)
        response = connection.getresponse()
        # One character may be cut in two at the end.
        text = response.read(MAX_ANSWER_BYTES).decode(errors="replace")
    finally:
        connection.close()
    if deadline.has_passed:
        raise TimeoutError
    redirected = 300 <= response.status < 400
    error = "The receiver answered with a redirect, and redirects are not followed." if redirected else None
    return WebhookResponse(response.status, text, error)


def _connected(
    target: Target, addresses: Sequence[str], ignore_ssl_errors: bool, deadline: _Deadline
) -> HTTPConnection:
    """Connect to the first of the addresses that takes the connection.

    Raises:
        HTTPError, OSError: why the last one did not.
    """
    for at, address in enumerate(addresses, 1):
        connection = _connection(target, address, ignore_ssl_errors)
        try:
            connection.connect()
        except (NewConnectionError, ConnectTimeoutError):
            connection.close()
            if at == len(addresses) or deadline.has_passed:
                raise
        else:
            connection.sock.settimeout(SECONDS)
            deadline.holds(connection.sock)
            return connection
    raise ValueError("There is no address.")


def _connection(target: Target, address: str, ignore_ssl_errors: bool) -> HTTPConnection:
    """Return a connection to an address that shows the certificate of the target's name, where it is over TLS."""
    if not target.is_tls:
        return HTTPConnection(address, target.port, timeout=CONNECT_SECONDS)
    context = ssl.create_default_context()
    if ignore_ssl_errors:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return HTTPSConnection(
        address, target.port, timeout=CONNECT_SECONDS, ssl_context=context, server_hostname=target.host
    )


def _why(error: Exception) -> str:
    """Return what went wrong as a sentence, without where in memory it did."""
    if isinstance(error, NewConnectionError):
        return "The receiver did not take the connection."
    if isinstance(error, ConnectTimeoutError):
        return "The receiver did not take the connection in time."
    if isinstance(error, TimeoutError | ReadTimeoutError):
        return "The receiver did not answer in time."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate of the receiver was not accepted: {error.verify_message}."
    return f"The request failed: {type(error).__name__}."
