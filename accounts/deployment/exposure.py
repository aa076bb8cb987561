"""Tell how others than this machine can reach the deployment.

Servers record the addresses that they listen on in the database, each minute anew, so that a worker on another machine
sees them. Not every WSGI server says where it listens, so the application records too that a request came from another
machine, before it is answered. What is only safe on loopback (the demo's published password, open sign-up, running
Actors without isolation) asks `exposure_reasons` each time that it matters.
"""

import logging
import os
import re
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache, lru_cache
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error, connection
from django.db.models import Q

from accounts.deployment.secret_digests import digests
from accounts.lib import database_clock
from accounts.lib.database_errors import describe
from accounts.models import ListeningAddress

_log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 60.0
RETRY_SECONDS = 1.0
# A server that was killed takes nothing back; its addresses count until they have not been recorded for so long.
COUNTS_FOR = timedelta(minutes=5)
# In place of an address. It says nothing of a process, and between two requests others can still reach the server.
OTHER_MACHINES = "requests from other machines"
# In place of the address of a process that listens nowhere, and is recorded for the secrets that it knows.
WORKER = "a worker"
REQUESTS_COUNT_FOR = timedelta(days=7)
_QUIET_SECONDS = 60.0
# The client in a header `Forwarded` (RFC 7239): for=192.0.2.60, for="[2001:db8::1]:4711".
_FORWARDED_FOR = re.compile(r"""for=("[^"]*"|[^;,\s]*)""", re.IGNORECASE)
_LAST_NAMED = 16
_USUAL_PEER = "127.0.0.1"
_NAMED_BY_PROXIES = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED")
_quiet_until = 0.0


def exposure_reasons() -> list[str]:
    """Return a sentence for each way in which others can reach this deployment; none when it is on loopback only.

    It takes one statement. A server behind a Unix socket counts by its public URL alone.
    """
    found = []
    if not is_loopback_host(urlsplit(settings.PUBLIC_URL).hostname or ""):
        found.append(f"PUBLIC_URL is {settings.PUBLIC_URL}.")
    found += [
        f"ALLOWED_HOSTS names {host}."
        for host in settings.ALLOWED_HOSTS
        if not is_loopback_host(host.strip("[]")) and host != urlsplit(settings.PUBLIC_URL).hostname
    ]
    servers = ListeningAddress.objects.exclude(address=WORKER)
    recorded = servers.exclude(_expired(database_clock.now())).order_by("machine", "address")
    for row in recorded:
        if row.address == OTHER_MACHINES:
            found.append(f"A server on {row.machine} has had requests from other machines in the last 7 days.")
        elif not is_loopback_host(row.address):
            found.append(f"A server on {row.machine} listens on {row.address}.")
        if not is_loopback_host(urlsplit(row.public_url).hostname or "") and row.public_url != settings.PUBLIC_URL:
            found.append(f"A server on {row.machine} has the PUBLIC_URL {row.public_url}.")
    return list(dict.fromkeys(found))


def is_loopback_host(host: str) -> bool:
    """Tell whether a host name or an address leads back to the machine that uses it."""
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None  # a socket for both has ::ffff:127.0.0.1
    return (mapped or address).is_loopback


def record_listening(addresses: Iterable[str], process_id: int) -> None:
    """Record that a server on this machine listens on `addresses`: host names or IP addresses, without ports.

    `process_id` is that of its main process. What was recorded for processes that have ended is deleted; only rows of
    this very PID namespace are judged by that, for two containers may have the same host name.
    """
    now = database_clock.now()
    _delete_stale(now)
    for address in dict.fromkeys(addresses):
        ListeningAddress.objects.update_or_create(
            machine=_machine(),
            process_space=_process_space(),
            process_id=process_id,
            address=address,
            public_url=settings.PUBLIC_URL,
            defaults={"seen_at": now, "secrets": digests()},
        )


def delete_ended() -> None:
    """Delete what was recorded for processes that run no more, as far as this machine can tell."""
    _delete_stale(database_clock.now())


def has_worker() -> bool:
    """Tell whether a worker is alive somewhere; one that was killed on another machine counts for five minutes."""
    return bool(_find_workers())


def has_other_worker() -> bool:
    """Tell whether a worker besides this process is alive somewhere, as `has_worker` does."""
    return bool(_find_workers() - {(_machine(), _process_space(), os.getpid())})


def _find_workers() -> set[tuple[str, str, int]]:
    """Return the machine, PID namespace and process ID of each worker that is alive."""
    recorded = ListeningAddress.objects.filter(address=WORKER).exclude(_expired(database_clock.now()))
    return {
        (machine, space, process_id)
        for machine, space, process_id in recorded.values_list("machine", "process_space", "process_id")
        if space != _process_space() or _is_alive(process_id)
    }


def record_while_alive(addresses: Iterable[str], process_id: int) -> threading.Event:
    """Record `addresses` now, and each minute until this process ends, from a thread of its own.

    Where the database does not answer now, that is logged, and the thread records as soon as it does. Setting the event
    that is returned ends the thread before the process does.
    """
    known = list(dict.fromkeys(addresses))
    pause = HEARTBEAT_SECONDS
    try:
        record_listening(known, process_id)
    except Error as error:
        _log.warning("%s", describe(error))
        pause = RETRY_SECONDS
    ended = threading.Event()
    arguments = (known, process_id, pause, ended)
    threading.Thread(target=_keep_recording, args=arguments, name="listening addresses", daemon=True).start()
    return ended


def record_request(environ: Mapping[str, Any]) -> None:
    """Record, once a minute in a process, that a request of WSGI came from another machine.

    That is the peer, or a client that a proxy names (TRUSTED_PROXY_COUNT). A peer without an address, as at a Unix
    socket, says nothing. A request from this machine takes no statement.
    """
    global _quiet_until  # of the process, on purpose
    if environ.get("REMOTE_ADDR") == _USUAL_PEER and environ.keys().isdisjoint(_NAMED_BY_PROXIES):
        return  # nearly always, and this is asked for each request
    if time.monotonic() < _quiet_until or not any(map(_is_elsewhere, _senders(environ))):
        return
    try:
        _record_requests_from_elsewhere()
    except Error:  # the next request tries again
        _log.exception("It could not be recorded that requests come from other machines.")
        connection.close_if_unusable_or_obsolete()
    else:
        _quiet_until = time.monotonic() + _QUIET_SECONDS


def _record_requests_from_elsewhere() -> None:
    ListeningAddress.objects.update_or_create(
        machine=_machine(),
        process_space="",
        process_id=0,
        address=OTHER_MACHINES,
        public_url=settings.PUBLIC_URL,
        defaults={"seen_at": database_clock.now()},
    )


def _senders(environ: Mapping[str, Any]) -> list[str]:
    """Return the peer, and the client that as many proxies name as are trusted.

    Where none is trusted, the last that proxies name count, for a proxy that the settings do not name lets clients in,
    too. It adds its client at the end, after what that client made up.
    """
    peer = environ.get("REMOTE_ADDR") or ""
    proxies = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    named = (environ.get("HTTP_X_FORWARDED_FOR") or "").split(",")
    if proxies:
        return [peer, named[-proxies].strip()] if proxies <= len(named) else [peer]
    forwarded = _FORWARDED_FOR.findall(environ.get("HTTP_FORWARDED") or "")
    last = [*named[-_LAST_NAMED:], environ.get("HTTP_X_REAL_IP") or "", *forwarded[-_LAST_NAMED:]]
    return [peer, *map(_without_port, last)]


def _without_port(named: str) -> str:
    """Return the address of a client as a proxy names it: 192.0.2.1:80, "[2001:db8::1]:80", or without a port."""
    text = named.strip().strip('"')
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


@lru_cache(maxsize=256)
def _is_elsewhere(address: str) -> bool:
    """Tell whether this is an IP address that is not on loopback."""
    try:
        ip_address(address)
    except ValueError:
        return False
    return not is_loopback_host(address)


def listening_addresses(sockets: Iterable[socket.socket]) -> list[str]:
    """Return the addresses of listening sockets as `record_listening` takes them; Unix sockets have none."""
    found = [each.getsockname() for each in sockets]
    return [str(name[0]).partition("%")[0] for name in found if isinstance(name, tuple)]


def _keep_recording(addresses: list[str], process_id: int, pause: float, ended: threading.Event) -> None:
    while not ended.wait(pause):
        try:
            record_listening(addresses, process_id)
            pause = HEARTBEAT_SECONDS
        except Error:  # a database that is away is recorded in as soon as it is back
            pause = RETRY_SECONDS
        finally:
            connection.close()


def _delete_stale(now: datetime) -> None:
    ListeningAddress.objects.filter(_expired(now)).delete()
    space = _process_space()
    if not space:
        return
    here = ListeningAddress.objects.filter(process_space=space)
    known = set(here.values_list("process_id", flat=True))
    here.filter(process_id__in=[each for each in known if not _is_alive(each)]).delete()


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to another user
        return True
    return True


def _expired(now: datetime) -> Q:
    """Return what rows count no more."""
    requests = Q(address=OTHER_MACHINES)
    return (~requests & Q(seen_at__lte=now - COUNTS_FOR)) | (requests & Q(seen_at__lte=now - REQUESTS_COUNT_FOR))


@cache
def _process_space() -> str:
    """Return what names the boot and the PID namespace of this process, "" where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return ""
    return f"{boot} {namespace}"


def _machine() -> str:
    return os.uname().nodename[:100]
