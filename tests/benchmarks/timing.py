"""How benchmarks take times: in rounds, each call on its own, and the median of the quietest round."""

import gc
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter_ns
from typing import Any


def milliseconds(call: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], rounds: int = 5) -> float:
    """Return the milliseconds that one call takes, of `call(*each)` over all `arguments`.

    It is the median of a round, which a few interruptions cannot move, and the best of the rounds, which
    a busy minute of the machine cannot move.
    """
    for each in arguments[:50]:
        call(*each)
    gc.collect()
    return min(_round(call, arguments) for _ in range(rounds)) / 1e6


def _round(call: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> float:
    times = []
    for each in arguments:
        start = perf_counter_ns()
        call(*each)
        times.append(perf_counter_ns() - start)
    return median(times)
