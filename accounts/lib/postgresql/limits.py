"""For how long this process waits for PostgreSQL. Nothing here needs its driver."""

from dataclasses import dataclass


@dataclass
class Limits:
    """Seconds, and whether threads give back their connections while they wait for something else."""

    patience: float = 10.0  # for an answer, before it asks whether there will be one
    asking: float = 10.0  # for the answer to that question
    rest: float = 0.5  # for an answer that is on its way, when the database does not work on it any more
    between: float = 0.5  # between two questions while the database is away
    lock: int = 0  # for what another transaction holds, as SQLite's timeout; 0 for ever
    statement: int = 0  # for one statement; 0 for ever
    gives_back: bool = False


LIMITS = Limits()


def serve_requests() -> None:
    """Have this process tell its clients within five seconds that the database is away, and end what takes too long."""
    LIMITS.patience, LIMITS.asking = 1.5, 1.5
    LIMITS.lock, LIMITS.statement = 20, 120
    LIMITS.gives_back = True
