"""A connection that does not wait for ever for a database that has gone away."""

import select
import time
from collections.abc import Generator
from contextlib import suppress
from functools import cached_property
from typing import Any

import psycopg
from psycopg.abc import PQGen
from psycopg.adapt import Transformer

from accounts.lib.postgresql.limits import LIMITS
from accounts.lib.postgresql.reachability import INTERVAL, AnswerLost, Away, Reachability, Verdict

clock = time.monotonic


class GuardedConnection(psycopg.Connection[Any]):
    """Waits as long as the database works on what it was asked, and closes itself when it does not.

    No statement ends because it takes long: that is the server's to decide, by its `statement_timeout`.
    """

    reachability: Reachability | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The statements that the server has prepared for this connection (prepared.py).
        self.prepared_names: set[bytes] = set()

    @cached_property
    def transformer(self) -> Any:  # a Transformer, whose name is a variable to type checkers
        """What writes parameters and reads rows for those statements, and knows how once it has done so.

        It is made when the first one runs, after Django has said how moments are read.
        """
        return Transformer.from_context(self)

    def wait(self, gen: PQGen[Any], interval: float = INTERVAL, timeout: float | None = None) -> Any:
        """Return what `gen` returns, which asks the database and yields when it waits.

        Raises:
            Away: when the database does not answer and cannot be reached.
            AnswerLost: when it can be reached, and does not work on this.
        """
        return super().wait(self._guard(gen), interval, timeout)

    def is_dead(self) -> bool:
        """Tell whether the server has ended this connection while it was not used, by a look at its socket."""
        return self.closed or self._has_data()

    def _guard(self, gen: PQGen[Any]) -> Generator[Any, Any, Any]:
        doubt: Verdict | None = None
        try:
            wanted = next(gen)
            until = clock() + LIMITS.patience
            while True:
                ready = yield wanted
                if ready:
                    until, doubt = clock() + LIMITS.patience, None
                elif clock() >= until:
                    if doubt is not None:
                        self._give_up(doubt)
                    doubt = self._doubt()
                    # What has come while it was asked is looked at first.
                    until = clock() + (LIMITS.patience if doubt is None else LIMITS.rest)
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value

    def _doubt(self) -> Verdict | None:
        """Return why no answer is to be expected, None where one is."""
        if self.reachability is None:  # a connection that is being made
            return Verdict.AWAY
        verdict = self.reachability.ask(self.info.backend_pid)
        return None if verdict is Verdict.WORKS else verdict

    def _give_up(self, why: Verdict) -> None:
        self.close()
        if why is Verdict.AWAY:
            raise Away("the database does not answer, and cannot be reached")
        raise AnswerLost("the database does not work on the statement, and no answer has come")

    def _has_data(self) -> bool:
        with suppress(OSError, psycopg.Error):
            waiting = select.poll()
            waiting.register(self.pgconn.socket, select.POLLIN)
            return bool(waiting.poll(0))
        return True
