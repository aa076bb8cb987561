"""A running server with the fixed cast on it, and the real clients that talk to it."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from apify_client import ApifyClient, ApifyClientAsync

from accounts.models import Account


def run_apart(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a thread of its own, because Playwright leaves a running event loop in that of the tests."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


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
    """Make the synchronous client of an account, or of nobody."""
    return lambda account=None: ApifyClient(token_of(account) if account else None, **options)


@pytest.fixture
def async_client_of(options, token_of) -> Callable[..., ApifyClientAsync]:
    """Make the asynchronous client of an account, or of nobody."""
    return lambda account=None: ApifyClientAsync(token_of(account) if account else None, **options)
