"""Which grants count: those without an end, and those whose end is later than the request's one `now`.

Here it stands once as SQL and once as a Q; whether a job has cleaned up changes nothing. Statements bind the moment,
the same one for the whole of a statement.
"""

from datetime import datetime, timedelta

from django.db.models import BooleanField, ExpressionWrapper, Q

from accounts.lib.sql import moment_parameter
from accounts.request_context import now

# How long a grant that has ended is shown, and can be given again with a click.
SHOWN_AS_ENDED = timedelta(days=30)


def counts_sql(moment: str = "%s") -> str:
    """Return the condition that the grant `g` of a statement counts at `moment`, a placeholder."""
    return f"(g.expires_at IS NULL OR g.expires_at > {moment})"


def counts() -> Q:
    """Return the condition that a grant counts now."""
    return Q(expires_at=None) | Q(expires_at__gt=now())


def is_counted() -> ExpressionWrapper[Q]:
    """Return whether a grant counts now, as an annotation."""
    return ExpressionWrapper(counts(), output_field=BooleanField())


def shown_as_ended() -> Q:
    """Return the condition that a grant has ended, and not so long ago that it is not shown as ended any more."""
    return Q(expires_at__lte=now(), expires_at__gt=now() - SHOWN_AS_ENDED)


def bound_moment(at: datetime | None = None) -> object:
    """Return what the `moment` of a statement is bound to: now, or `at` another moment."""
    return moment_parameter(at or now())
