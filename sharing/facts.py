"""From an address to a resource with all the facts that the decision needs, in one indexed statement.

Hot: every request for a resource comes through here, so the statements are written as SQL by hand, one for each
kind, put together once when the module is loaded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import models

from accounts.ids import looks_like_id
from accounts.moments import aware
from accounts.principal import Principal
from accounts.statements import Statement
from resources.kinds import KINDS, Kind
from resources.models import MODELS, Resource
from resources.storages import NAME
from sharing.access import AddressedBy, Facts, Parent
from sharing.permissions import EVERYTHING, Permission


@dataclass(frozen=True, slots=True)
class Address:
    """How a request names a resource: by its ID, by the ID of the run whose default storage it is, or by name.

    A name goes with the username of the owner.
    """

    kind: Kind
    id: str = ""
    run_id: str = ""
    username: str = ""
    name: str = ""

    @property
    def by(self) -> AddressedBy:
        """Whether this is an ID, be it that of its run, or a name."""
        return AddressedBy.NAME if self.name else AddressedBy.ID


class Found:
    """A resource and the facts about it. The model instance is made when somebody asks for it: not every view does."""

    __slots__ = ("_resource", "_row", "_statement", "facts")

    def __init__(self, statement: "_Statement", row: Sequence[Any]) -> None:
        self._statement = statement
        self._row = row
        self._resource: Resource | None = None
        self.facts = statement.facts(row)

    @property
    def resource(self) -> Resource:
        """The resource as an instance of its kind's model."""
        if self._resource is None:
            self._resource = self._statement.instance(self._row)
        return self._resource


def parse_address(kind: Kind, text: str, principal: Principal) -> Address | None:
    """Read `ID`, `username~name` or `~name` (one's own); None for anything that cannot name a resource."""
    if looks_like_id(text):
        return Address(kind, id=text)
    username, tilde, name = text.partition("~")
    username = username or principal.username
    if tilde and username and "\x00" not in username and NAME.match(name):
        return Address(kind, username=username, name=name)
    return None


def run_address(kind: Kind, run_id: str) -> Address | None:
    """Return the address of a run's default storage of a kind; None for what cannot be the ID of a run."""
    return Address(kind, run_id=run_id) if looks_like_id(run_id) else None


def fetch(address: Address, account_id: str | None) -> Found | None:
    """Return what `address` names with the facts for `account_id` (None: for nobody), or None when nothing is there."""
    statement = _STATEMENTS[address.kind]
    grants_of = [account_id or ""] * statement.grant_lookups
    if address.name:
        sql, key = statement.by_name, [address.username.lower(), address.name]
    elif address.run_id:
        sql, key = statement.by_run, [address.run_id]
    else:
        sql, key = statement.by_id, [address.id]
    row = sql.row(grants_of + key)
    return None if row is None else Found(statement, row)


def facts_of(resource: Resource, account_id: str | None) -> Facts:
    """Return the facts about a resource that is at hand, as they are now, for `account_id`.

    Raises:
        LookupError: when the resource is gone.
    """
    found = fetch(Address(Kind(resource.kind), id=resource.pk), account_id)
    if found is None:
        raise LookupError(resource.pk)
    return found.facts


def _direct(of: str) -> str:
    return (
        f"(SELECT g.permissions FROM sharing_grant g WHERE g.resource_id = {of}.id "
        "AND g.account_id = %s AND g.source = 'DIRECT')"
    )


def _from_issue(of: str) -> str:
    return (
        f"EXISTS(SELECT 1 FROM sharing_grant g WHERE g.resource_id = {of}.id "
        "AND g.account_id = %s AND g.source = 'ISSUE')"
    )


# The columns of the facts, in the order in which they are read back.
_OF_RESOURCE = ("r.id", "r.owner_id", "r.name", "r.general_access", "r.is_public", "r.link_counter")
_OF_OWNER = ("o.username", "o.general_access", "o.share_runs_with_actor_creators", "o.link_days")
_OF_ACTOR = ("actor.id", "actor.owner_id", "actor.name", "actor.is_public", _direct("actor"))
_OF_TASK = ("task.id", "task.owner_id", "task.name", _direct("task"))
_OF_RUN = (
    "run.id",
    "run.owner_id",
    "run_owner.general_access",
    "run_owner.share_runs_with_actor_creators",
    "run.general_access",
    _direct("run"),
    _from_issue("run"),
)


class _Statement:
    """The statement of one kind, and how its rows are read."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.model = MODELS[kind]
        fields = self.model._meta.concrete_fields
        self.field_names = [field.attname for field in fields]
        self.converters = [(at, _CONVERTERS[type(f)]) for at, f in enumerate(fields) if type(f) in _CONVERTERS]
        self.has_run = KINDS[kind].storage
        self.has_task = self.has_run or kind is Kind.RUN
        self.has_actor = self.has_task or kind is Kind.BUILD
        columns = [f"{'r' if field.model is Resource else 'k'}.{field.column}" for field in fields]
        facts = [*_OF_RESOURCE, *_OF_OWNER, _direct("r"), _from_issue("r") if kind is Kind.RUN else "FALSE"]
        facts += _OF_ACTOR if self.has_actor else ()
        facts += _OF_TASK if self.has_task else ()
        facts += _OF_RUN if self.has_run else ()
        self.facts_end = len(facts)
        self.grant_lookups = sum(fact.count("%s") for fact in facts)
        select = f"SELECT {', '.join(map(_as_it_is, facts + columns))} {self._from()}"
        self.by_id = Statement(f"{select} WHERE r.id = %s")
        self.by_run = Statement(f"{select} WHERE r.run_id = %s AND r.kind = '{kind.value}'")
        self.by_name = Statement(
            f"{select} WHERE r.owner_id = (SELECT a.id FROM accounts_account a WHERE LOWER(a.username) = %s) "
            f"AND r.kind = '{kind.value}' AND r.name = %s"
        )

    def _from(self) -> str:
        source = "run" if self.has_run else "r"
        joins = [
            f"FROM {Resource._meta.db_table} r",
            f"JOIN {self.model._meta.db_table} k ON k.resource_ptr_id = r.id",
            "JOIN accounts_account o ON o.id = r.owner_id",
        ]
        if self.has_run:
            joins.append("LEFT JOIN resources_resource run ON run.id = r.run_id")
            joins.append("LEFT JOIN accounts_account run_owner ON run_owner.id = run.owner_id")
        if self.has_actor:
            joins.append(f"LEFT JOIN resources_resource actor ON actor.id = {source}.actor_id")
        if self.has_task:
            joins.append(f"LEFT JOIN resources_resource task ON task.id = {source}.task_id")
        return " ".join(joins)

    def instance(self, row: Sequence[Any]) -> Resource:
        """Make the model instance of a row."""
        values = list(row[self.facts_end :])
        for at, convert in self.converters:
            values[at] = convert(values[at])
        return self.model.from_db("default", self.field_names, values)

    def facts(self, row: Sequence[Any]) -> Facts:
        """Make the facts of a row."""
        id_, owner_id, name, level, is_public, link_counter = row[:6]
        owner_username, owner_level, owner_shares, link_days, granted, attached = row[6:12]
        actor = _actor(row[12:17]) if self.has_actor else None
        task = _task(row[17:21]) if self.has_task else None
        run = _run(row[21:28], actor, task) if self.has_run else None
        return Facts(
            id=id_,
            kind=self.kind,
            owner_id=owner_id,
            owner_username=owner_username,
            owner_general_access=owner_level,
            owner_shares_runs=bool(owner_shares),
            owner_link_days=link_days,
            link_counter=link_counter,
            name=name,
            general_access=level,
            is_public=bool(is_public),
            granted=_PERMISSIONS[granted or 0],
            attached_to_issue=bool(attached),
            actor=None if self.has_run else actor,
            task=None if self.has_run else task,
            run=run,
        )


def _actor(columns: Sequence[Any]) -> Parent | None:
    id_, owner_id, name, is_public, granted = columns
    return None if id_ is None else Parent(id_, owner_id, name, bool(is_public), _PERMISSIONS[granted or 0])


def _task(columns: Sequence[Any]) -> Parent | None:
    id_, owner_id, name, granted = columns
    return None if id_ is None else Parent(id_, owner_id, name, granted=_PERMISSIONS[granted or 0])


def _run(columns: Sequence[Any], actor: Parent | None, task: Parent | None) -> Facts | None:
    id_, owner_id, owner_level, owner_shares, level, granted, attached = columns
    if id_ is None:
        return None
    return Facts(
        id=id_,
        kind=Kind.RUN,
        owner_id=owner_id,
        owner_general_access=owner_level,
        owner_shares_runs=bool(owner_shares),
        general_access=level,
        granted=_PERMISSIONS[granted or 0],
        attached_to_issue=bool(attached),
        actor=actor,
        task=task,
    )


def _as_it_is(column: str) -> str:
    """Return a column as an expression, which has no declared type.

    For one that has, sqlite3 looks for a converter in every row, and Django's would read each time of the resource,
    which most requests never ask for.
    """
    return f"COALESCE({column}, NULL)" if column.replace(".", "_").isidentifier() and "." in column else column


def _aware_or_none(value: datetime | str | None) -> datetime | None:
    return None if value is None else aware(value)


def _json(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, str | bytes) else value


# Looked up, because making one costs as much as all else that is done with a column.
_PERMISSIONS = tuple(Permission(bits) for bits in range(EVERYTHING.value + 1))
_CONVERTERS: dict[type, Callable[[Any], Any]] = {
    models.DateTimeField: _aware_or_none,
    models.JSONField: _json,
    models.BooleanField: bool,
}
_STATEMENTS = {kind: _Statement(kind) for kind in Kind}
