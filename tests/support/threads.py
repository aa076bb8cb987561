"""Threads that do something for as long as a block of a test lasts."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def going_on(do: Callable[[threading.Event], None]) -> Iterator[None]:
    """Call `do` in a thread; it returns once the event that it is given is set, at the end of the block."""
    stop = threading.Event()
    thread = threading.Thread(target=do, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
