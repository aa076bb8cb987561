"""Either Python client behind one face, so that a scenario is written once: the asynchronous one looks synchronous.

What a scenario calls is written down, and `answers_for` holds it to have called every method there is.
"""

import asyncio
import functools
import inspect
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread
from typing import Any, Self

from apify_client import ApifyClient, ApifyClientAsync, _resource_clients
from apify_client._resource_clients._resource_client import ResourceClientBase
from apify_client.errors import ApifyApiError

from accounts.models import Account

Method = tuple[str, str]  # the name of the client's class, without `Async`, and that of the method

_END = object()


class Clients:
    """Clients of one sort, and all that has been called of them.

    Asynchronous ones have an event loop in a thread of its own, because Playwright leaves a running one in that of the
    tests.
    """

    def __init__(self, make: Callable[[Account | None], ApifyClient | ApifyClientAsync]) -> None:
        self.called: set[Method] = set()
        self.are_asynchronous = isinstance(make(None), ApifyClientAsync)
        self._make = make
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def of(self, account: Account | None = None) -> Any:
        """Return the client of an account, or an anonymous one."""
        return Client(self._make(account), self)

    def read(self, response: Any) -> bytes:
        """Return the whole body of a response that is being streamed."""
        return self._wait(_awaited(response.aread)) if self.are_asynchronous else response.read()

    def call(self, client: Any, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a method of a client, and make what it returns synchronous.

        It counts as called when the server has answered, be it with a refusal; an iterator when it is read, and a
        context manager when it is entered.
        """
        note = functools.partial(self.called.add, (_name_of(type(client)), name))
        try:
            result = getattr(client, name)(*args, **kwargs)
            if inspect.iscoroutine(result):
                result = self._wait(result)
        except ApifyApiError:
            note()
            raise
        if isinstance(result, Iterator | AsyncIterator):
            return self._read_through(result, note)
        if hasattr(result, "__enter__") or hasattr(result, "__aenter__"):
            return self._entered(result, note)
        note()
        return Client(result, self) if isinstance(result, ResourceClientBase) else result

    def methods_of(self, synchronous: type) -> set[Method]:
        """Return the public methods of a class of clients of this sort; its synchronous one is named."""
        name = synchronous.__name__
        one = getattr(_resource_clients, f"{name}Async") if self.are_asynchronous else synchronous
        return {(name, method) for method, _ in inspect.getmembers(one, inspect.isfunction) if method[0] != "_"}

    def _wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def _read_through(self, items: Iterator[Any] | AsyncIterator[Any], note: Callable[[], None]) -> Iterator[Any]:
        note()
        if isinstance(items, Iterator):
            yield from items
            return
        while (item := self._wait(_awaited(anext, items, _END))) is not _END:
            yield item

    @contextmanager
    def _entered(self, context: Any, note: Callable[[], None]) -> Iterator[Any]:
        note()
        if hasattr(context, "__enter__"):
            with context as value:
                yield value
            return
        value = self._wait(_awaited(context.__aenter__))
        try:
            yield value
        finally:
            self._wait(_awaited(context.__aexit__, *sys.exc_info()))


class Client:
    """A client of either sort, whose methods are called as if it were synchronous; so are the clients it returns."""

    def __init__(self, client: Any, clients: Clients) -> None:
        self._client = client
        self._clients = clients

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        return functools.partial(self._clients.call, self._client, name) if inspect.ismethod(value) else value


def run_apart(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a thread of its own, because Playwright leaves a running event loop in that of the tests."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def answers_for(*classes: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a scenario, which is a test with the fixture `clients`, fail when it has left out a method of these classes.

    The classes are those of the synchronous client, and stand for both.
    """

    def held(scenario: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(scenario)
        def test(clients: Clients, **fixtures: Any) -> None:
            scenario(clients, **fixtures)
            left_out = set[Method]().union(*map(clients.methods_of, classes)) - clients.called
            assert not left_out, f"The scenario never calls {sorted(left_out)}."

        test.classes = classes  # type: ignore[attr-defined]
        return test

    return held


def classes_of_storages() -> set[str]:
    """Return the names of all classes of clients for storages that there are, without `Async`."""
    return {name for name in _every_class() if name.startswith(("Dataset", "KeyValueStore", "RequestQueue"))}


def other_classes() -> set[str]:
    """Return the names of all other classes of clients."""
    return _every_class() - classes_of_storages()


def answered_by(scenarios: Iterable[Any]) -> list[str]:
    """Return the names of the classes that the scenarios among some values answer for, sorted."""
    return sorted(each.__name__ for scenario in scenarios for each in getattr(scenario, "classes", ()))


def _every_class() -> set[str]:
    return {_name_of(each) for each in vars(_resource_clients).values() if inspect.isclass(each)}


async def _awaited(start: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    """Return what comes of something that must be started on the event loop already."""
    return await start(*args)


def _name_of(client: type) -> str:
    return client.__name__.removesuffix("Async")
