"""The statement of a page of a list.

No rule gives more than a page needs, so that a page takes as long among a million as among a hundred. The values are
bound by name (sharing/lists.py).
"""

from functools import lru_cache
from typing import Final

from sharing.list_sql.found import own, shared_in_bulk, shared_one_by_one
from sharing.list_sql.narrowed import Narrowed
from sharing.list_sql.text import Query, fill, sql

# Of what more than one rule finds, the first reason counts. As an expression the time has no declared type, so that
# Django's converter does not read it before we do.
_PAGE: Final = sql("""
    SELECT r.id, r.kind, f.reason, r.name, r.title, r.owner_id, o.username, r.general_access, COALESCE(f.at, NULL)
    FROM (
        SELECT id, at, MIN(rank) AS reason
        FROM (
            {found}
        ) u
        GROUP BY at, id
        ORDER BY at {direction}, id {direction}
        LIMIT %(limit)s OFFSET %(offset)s
    ) f
    JOIN resources_resource r ON r.id = f.id
    JOIN accounts_account o ON o.id = r.owner_id
    ORDER BY f.at {direction}, f.id {direction}
""")
_FIRST_OWN: Final = sql("""
    SELECT *
    FROM (
        {statement}
        ORDER BY at {direction}, id {direction}
        LIMIT %(own)s OFFSET %(skip)s
    ) b
""")
_FIRST_SHARED: Final = sql("""
    SELECT *
    FROM (
        {statement}
        ORDER BY at {direction}, id {direction}
        LIMIT %(reach)s
    ) b
""")


@lru_cache(maxsize=256)
def page(only: Narrowed, newest_first: bool) -> Query | None:
    """Return the statement of a page, None where there can be nothing.

    Its rows are (ID, kind, rank of the reason, name, title, owner's ID and username, general access, time of creation).
    It gives `limit` of them after `offset` others, for which it reads as far as `reach`; of one's own it leaves out the
    first `skip`, and reads `own`. What else it is given are the values of the conditions.
    """
    direction = "DESC" if newest_first else "ASC"
    mine = own(only.kinds, only) if only.mine else []
    shared = shared_one_by_one(only.kinds, only) + shared_in_bulk(only, direction) if only.shared else []
    first = [fill(_FIRST_OWN, statement=each, direction=direction) for each in mine]
    first += [fill(_FIRST_SHARED, statement=each, direction=direction) for each in shared]
    return Query(fill(_PAGE, found="\nUNION ALL\n".join(first), direction=direction)) if first else None


def own_statements(only: Narrowed) -> int:
    """Return how many statements there are for one's own: of one alone it is known which rows come first."""
    return len(own(only.kinds, only)) if only.mine else 0
