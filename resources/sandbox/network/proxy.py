"""The proxy of one run, for CONNECT and for plain HTTP: by the proxy that the deployment names, or else directly.

It needs a password, which other accounts do not know. What it connects to directly it reaches from within the run's own
network, so that this reaches no more than the run. By a proxy of the deployment single addresses that are not public
are refused; what a name leads to there is that proxy's to decide. Each connection is a thread, for as long as it lasts.
"""

import base64
import binascii
import hmac
import json
import os
import re
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

from resources.public_addresses import is_public
from resources.sandbox.network import http_head, relay, upstreams
from resources.sandbox.network.http_head import BadHead, Head
from resources.sandbox.network.upstreams import NoSuchGroup, Upstream

_HEAD_SECONDS = 30
_CHUNK_BYTES = 64 * 1024
_CLOSES = (b"Connection", b"close")
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
Connect = Callable[[str, int], socket.socket]


@dataclass(frozen=True, slots=True)
class ProxyPlan:
    """What the proxy of a run is: where the run finds it, the password, and where it leads, [] for directly.

    `used` is the descriptor of an eventfd that is counted up when the proxy connects to something for the first time.
    """

    host: str
    port: int
    password: str
    upstreams: Sequence[Upstream]
    used: int


class _Refused(Exception):
    """The answer to a request that is not passed on."""

    def __init__(self, status: str, text: str, *fields: str) -> None:
        super().__init__(text)
        self.answer = _encode_answer(status, "text/plain; charset=utf-8", text + "\n", *fields)


class Proxy:
    """The proxy of a run. `connect_directly` connects from within the run's network, and raises OSError."""

    def __init__(self, plan: ProxyPlan, connect_directly: Connect) -> None:
        self._plan = plan
        self._connect_directly = connect_directly
        self._was_used = False

    def serve(self, listening: socket.socket) -> None:
        """Take connections in threads, for as long as the process lives."""
        relay.attend(listening, self._attend)

    def _attend(self, client: socket.socket) -> None:
        client.settimeout(_HEAD_SECONDS)
        try:
            head = http_head.read(client)
            if head is not None:
                self._answer(client, head)
        except BadHead as error:
            with suppress(OSError):
                client.sendall(_Refused("400 Bad Request", str(error)).answer)
        except _Refused as refused:
            with suppress(OSError):
                client.sendall(refused.answer)
        except (OSError, RuntimeError):  # it broke, or no thread is to be had
            return

    def _answer(self, client: socket.socket, head: Head) -> None:
        method, target, _ = head.words
        if not _TOKEN.match(method):
            raise BadHead("The method of the request is not HTTP.")
        if target.startswith(b"/"):
            client.sendall(self._status(None))
            return
        username = self._find_username(head)
        host, port = _find_destination(method, target)
        if (host, port) == (self._plan.host, self._plan.port):
            self._tell_status(client, username, is_tunnel=method == b"CONNECT")
            return
        if username is None:
            raise _Refused(
                "407 Proxy Authentication Required",
                "This proxy wants the password that the run has in APIFY_PROXY_PASSWORD.",
                'Proxy-Authenticate: Basic realm="runs"',
            )
        try:
            upstream = upstreams.choose(self._plan.upstreams, username)
        except NoSuchGroup as error:
            raise _Refused("403 Forbidden", str(error)) from error
        with self._connect(upstream, host, port) as outside:
            if method == b"CONNECT":
                _tunnel(client, outside, head, upstream)
            else:
                _exchange(client, outside, head, upstream)

    def _connect(self, upstream: Upstream | None, host: str, port: int) -> socket.socket:
        if upstream is not None and _is_private(host):
            raise _Refused("403 Forbidden", f"{host} is no public address.")
        self._note_use()
        try:
            if upstream is not None:
                return relay.connected(upstream.host, upstream.port)
            return self._connect_directly(host, port)
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            what = "The proxy of this server" if upstream is not None else f"{host}:{port}"
            raise _Refused("502 Bad Gateway", f"{what} cannot be reached from this run: {reason}.") from error

    def _find_username(self, head: Head) -> str | None:
        """Return the username that came with the password, None where the password did not come."""
        scheme, _, encoded = head.get(b"proxy-authorization").partition(b" ")
        try:
            words = base64.b64decode(encoded.strip(), validate=True)
        except binascii.Error:
            return None
        username, _, password = words.partition(b":")
        if scheme.lower() != b"basic" or not hmac.compare_digest(password, self._plan.password.encode()):
            return None
        return unquote(username.decode(errors="replace"))

    def _tell_status(self, client: socket.socket, username: str | None, *, is_tunnel: bool) -> None:
        if is_tunnel:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            if http_head.read(client) is None:
                return
        client.sendall(self._status(username))

    def _status(self, username: str | None) -> bytes:
        """Return the answer that the SDKs ask for: whether one who gave this username gets through, and why not."""
        problem = None if username is not None else "This was not asked by the proxy with its password."
        if username is not None:
            try:
                upstreams.choose(self._plan.upstreams, username)
            except NoSuchGroup as error:
                problem = str(error)
        said = {"connected": problem is None, "connectionError": problem, "isManInTheMiddle": False}
        return _encode_answer("200 OK", "application/json; charset=utf-8", json.dumps(said))

    def _note_use(self) -> None:
        if not self._was_used:
            self._was_used = True
            os.eventfd_write(self._plan.used, 1)


def _find_destination(method: bytes, target: bytes) -> tuple[str, int]:
    """Return host and port that a request is for.

    Raises:
        BadHead: when it names none.
    """
    try:
        parts = urlsplit(f"//{target.decode('ascii')}" if method == b"CONNECT" else target.decode("ascii"))
        host, port = parts.hostname, parts.port
    except (ValueError, UnicodeDecodeError) as error:
        raise BadHead("What the request is for is no address.") from error
    if method != b"CONNECT" and parts.scheme == "http":
        port = port or 80
    if not host or not port or (method != b"CONNECT" and parts.scheme != "http"):
        raise BadHead("This is a proxy: it takes CONNECT host:port, and requests for http:// with a whole URL.")
    return host, port


def _is_private(host: str) -> bool:
    """Tell whether a host is the machine itself or an address that is not public, in any form that resolvers take."""
    if host.rstrip(".").lower() == "localhost" or host.lower().rstrip(".").endswith(".localhost"):
        return True
    try:
        return not is_public(ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        return not is_public(ip_address(socket.inet_aton(host)))  # 127.1 and 2130706433
    except OSError:
        return False


def _authorization(upstream: Upstream | None) -> list[tuple[bytes, bytes]]:
    if upstream is None or not upstream.authorization:
        return []
    return [(b"Proxy-Authorization", upstream.authorization.encode())]


def _tunnel(client: socket.socket, outside: socket.socket, head: Head, upstream: Upstream | None) -> None:
    """Pass on what comes in both directions; how the other proxy answers, the client reads itself."""
    if upstream is None:
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        outside.sendall(head.rest)
    else:
        _, target, _ = head.words
        line = (b"CONNECT", target, b"HTTP/1.1")
        outside.sendall(head.encode(line, *_authorization(upstream)) + head.rest)
    client.settimeout(None)
    back = threading.Thread(target=relay.copy, args=(outside, client, _CHUNK_BYTES), daemon=True)
    back.start()
    relay.copy(client, outside, _CHUNK_BYTES)
    back.join()


def _exchange(client: socket.socket, outside: socket.socket, head: Head, upstream: Upstream | None) -> None:
    """Pass on one request and its response, after which the connection is closed: the next one may be for others."""
    method, target, _ = head.words
    if upstream is None:
        parts = urlsplit(target.decode("ascii"))
        target = (f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/").encode()
    outside.sendall(head.encode((method, target, b"HTTP/1.1"), *_authorization(upstream), _CLOSES))
    client.settimeout(None)
    sending = threading.Thread(target=_send_body, args=(client, outside, head), daemon=True)
    sending.start()
    try:
        answer = _pass_on_interim(client, outside)
        client.sendall(answer.encode(answer.words, _CLOSES) + answer.rest)
        relay.copy(outside, client, _CHUNK_BYTES)
    finally:
        for each in (client, outside):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RD)
        sending.join()


def _pass_on_interim(client: socket.socket, outside: socket.socket) -> Head:
    """Pass on the responses that come before the last one (100 Continue), and return the head of that."""
    start = b""
    while True:
        try:
            answer = http_head.read(outside, start)
        except BadHead as error:
            raise _Refused("502 Bad Gateway", "What was asked does not answer by HTTP.") from error
        if answer is None:
            raise _Refused("502 Bad Gateway", "What was asked closed the connection without an answer.")
        if not answer.words[1].startswith(b"1"):
            return answer
        client.sendall(answer.encode(answer.words))
        start = answer.rest


def _send_body(client: socket.socket, outside: socket.socket, head: Head) -> None:
    """Pass on the body of a request: no more than it says, or with chunks all that comes; until the client goes."""
    chunked = bool(head.get(b"transfer-encoding"))
    length = head.get(b"content-length")
    left = int(length) if length.isdigit() and not chunked else 0
    with suppress(OSError):
        first = head.rest if chunked else head.rest[:left]
        outside.sendall(first)
        left -= len(first)
        while (chunked or left > 0) and (part := client.recv(_CHUNK_BYTES if chunked else min(left, _CHUNK_BYTES))):
            outside.sendall(part)
            left -= len(part)
        while client.recv(_CHUNK_BYTES):  # the next request, which is to come on a connection of its own
            pass
        outside.shutdown(socket.SHUT_RDWR)


def _encode_answer(status: str, content_type: str, body: str, *fields: str) -> bytes:
    content = body.encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(content)}", *fields]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + content


def decode_plan(said: Mapping[str, Any]) -> ProxyPlan:
    """Return a plan that was written as JSON, by its fields."""
    return ProxyPlan(**{**said, "upstreams": [Upstream(**each) for each in said["upstreams"]]})
