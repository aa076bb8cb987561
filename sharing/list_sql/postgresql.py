"""Statements as PostgreSQL needs them. The same as in `sqlite.py`, which it is to be read beside."""

from typing import Final

from sharing.list_sql.text import sql

# Of each pair the first ones of its scan: as many as a page could need.
FIRST_OF_EACH_PAIR: Final = sql("""
    SELECT r.id AS id, {rank} AS rank, r.created_at AS at
    FROM (
        {pairs}
    ) p
    CROSS JOIN LATERAL (
        {scan}
        LIMIT %(reach)s
    ) scan
    CROSS JOIN resources_resource r
    WHERE r.id = scan.id
""")

# The pairs whose first ones come first: a page has something of no more pairs than it has rows.
PAIRS_THAT_COME_FIRST: Final = sql("""
    SELECT p.id, p.owner
    FROM (
        {pairs}
    ) p
    CROSS JOIN LATERAL (
        {scan}
        LIMIT 1
    ) f
    ORDER BY f.at {direction}, f.id {direction}
    LIMIT %(reach)s
""")
