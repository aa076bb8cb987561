"""A running server with the fixed cast on it, and the real clients that talk to it."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from apify_client import ApifyClient, ApifyClientAsync

from accounts.models import Account
from console.api.runs import wait_for_finish
from resources.builds import ending
from resources.jobs.status import JobStatus
from resources.logs.writing import append
from resources.models import Build, BuildContent
from tests.clients.either import Clients

INPUT_SCHEMA = {"title": "Input", "type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]}


@pytest.fixture
def cast(transactional_db, ada, ben, cleo) -> dict[str, Account]:
    """Ada, who owns things; Ben, with whom she shares them; Cleo, a stranger."""
    return {"ada": ada, "ben": ben, "cleo": cleo}


@pytest.fixture
def options(live_server) -> dict[str, object]:
    """How every client reaches the server. It gives up soon: a test wants to see the first failure."""
    return {
        "api_url": live_server.url,
        "api_public_url": live_server.url,
        "max_retries": 1,
        "min_delay_between_retries": timedelta(milliseconds=1),
    }


@pytest.fixture
def client_of(options, token_of) -> Callable[..., ApifyClient]:
    """Make the synchronous client of an account, or an anonymous one."""
    return lambda account=None: ApifyClient(token_of(account) if account else None, **options)


@pytest.fixture
def async_client_of(options, token_of) -> Callable[..., ApifyClientAsync]:
    """Make the asynchronous client of an account, or an anonymous one."""
    return lambda account=None: ApifyClientAsync(token_of(account) if account else None, **options)


@pytest.fixture(params=["synchronous", "asynchronous"])
def clients(request, client_of, async_client_of) -> Iterator[Clients]:
    """Clients of either sort, for a scenario that is the same for both."""
    with Clients(client_of if request.param == "synchronous" else async_client_of) as clients:
        yield clients


@pytest.fixture
def builder(monkeypatch) -> None:
    """Let a build be finished by the time that a client has waited for it, as a worker would; look at runs often."""
    pause = time.sleep

    def finish(seconds: float) -> None:
        ready = Build.objects.filter(status=JobStatus.READY)
        for build in ready:
            BuildContent.objects.filter(build=build).update(input_schema=json.dumps(INPUT_SCHEMA), readme="# Prices")
            append(build.pk, b"2026-01-01T00:00:00.000Z building\n")
            ending.finish(build.pk, JobStatus.SUCCEEDED, exit_code=0)
        if not ready:
            pause(min(seconds, 0.02))

    monkeypatch.setattr(wait_for_finish, "sleep", finish)
