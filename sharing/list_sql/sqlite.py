"""Statements as SQLite needs them: it has no LATERAL. The same as in `postgresql.py`, which it is to be read beside."""

from typing import Final

from sharing.list_sql.text import sql

# Of each pair the first ones of its scan: as many as a page could need.
FIRST_OF_EACH_PAIR: Final = sql("""
    SELECT r.id AS id, {rank} AS rank, r.created_at AS at
    FROM (
        {pairs}
    ) p
    CROSS JOIN resources_resource r
    WHERE r.id IN (
        SELECT scan.id
        FROM (
            {scan}
            LIMIT %(reach)s
        ) scan
    )
""")

# The pairs whose first ones come first: a page has something of no more pairs than it has rows.
PAIRS_THAT_COME_FIRST: Final = sql("""
    SELECT p.id, p.owner
    FROM (
        {pairs}
    ) p
    ORDER BY
        (
            SELECT f.at
            FROM (
                {scan}
                LIMIT 1
            ) f
        ) {direction} NULLS LAST,
        (
            SELECT f.id
            FROM (
                {scan}
                LIMIT 1
            ) f
        ) {direction} NULLS LAST
    LIMIT %(reach)s
""")
