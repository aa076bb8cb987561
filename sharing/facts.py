"""From an address to a resource with all the facts that the decision needs, in one indexed statement.

Hot: every request for a resource comes through here, so the statements are written as SQL by hand, one for each
kind, put together once when the module is loaded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection, models
from django.shortcuts import get_object_or_404

from accounts.holders import Holder
from accounts.lib.ids import looks_like_id
from accounts.lib.sql import Statement
from accounts.lib.timestamps import aware
from accounts.principal import Principal
from resources import permission_levels
from resources.kinds import KINDS, Kind
from resources.models import MODELS, Resource
from resources.storages import NAME
from sharing.access import AddressedBy, Facts, Parent
from sharing.grant_ends import bound_moment, counts_sql
from sharing.permissions import EVERYTHING, Permission
from sharing.signatures import current_fingerprint


@dataclass(frozen=True, slots=True)
class ResourceAddress:
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

    @property
    def compared_name(self) -> str:
        """The name as the index of names has it: an Actor is found by its name in any case."""
        return self.name.lower() if self.kind is Kind.ACTOR else self.name


class FoundResource:
    """A resource and the facts about it. The model instance is made on first use: not every view needs it."""

    __slots__ = ("_resource", "_row", "_statement", "facts")

    def __init__(self, statement: "_Statement", row: Sequence[Any]) -> None:
        self._statement = statement
        self._row = row
        self._resource: Resource | None = None
        self.facts = statement.facts(row)

    @property
    def resource(self) -> Resource:
        """The resource as an instance of its kind's model.

        Raises:
            Http404: where only the facts were fetched and the resource is gone since.
        """
        if self._resource is None:
            self._resource = self._statement.instance(self._row)
        return self._resource


def parse_address(kind: Kind, text: str, principal: Principal) -> ResourceAddress | None:
    """Read `ID`, `username~name` or `~name` (one's own); None for anything that cannot name a resource."""
    if looks_like_id(text):
        return ResourceAddress(kind, id=text)
    username, tilde, name = text.partition("~")
    username = username or principal.username
    if tilde and username and "\x00" not in username and NAME.match(name):
        return ResourceAddress(kind, username=username, name=name)
    return None


def run_address(kind: Kind, run_id: str) -> ResourceAddress | None:
    """Return the address of a run's default storage of a kind; None for what cannot be the ID of a run."""
    return ResourceAddress(kind, run_id=run_id) if looks_like_id(run_id) else None


def fetch(
    address: ResourceAddress,
    account_id: str | None,
    *,
    only_facts: bool = False,
    holder: Holder | None = None,
    at: datetime | None = None,
) -> FoundResource | None:
    """Return what `address` names with the facts for `account_id` (None: anonymous), or None when nothing is there.

    Of the grants, the facts have those that count now, or `at` another moment.
    The facts of a storage tell when `holder` was last given its key, unless they are asked for alone. With `only_facts`
    the columns of the model instance, which take as long as all the facts, come by a statement of their own when
    they are asked for.
    """
    statement = (_ONLY_FACTS if only_facts else _WITH_INSTANCE)[address.kind]
    asked_for: list[Any] = [account_id or "", bound_moment(at)] * statement.grant_lookups
    if statement.has_key:
        asked_for += [holder.account_id, holder.key, current_fingerprint()] if holder else ["", "", ""]
    if address.name:
        sql, key = statement.by_name, [address.username.lower(), address.compared_name]
    elif address.run_id:
        sql, key = statement.by_run, [address.run_id]
    else:
        sql, key = statement.by_id, [address.id]
    row = sql.row(asked_for + key)
    return None if row is None else FoundResource(statement, row)


def _name_column(kind: Kind) -> str:
    """Return what the names of a kind are compared by, in the SQL of a statement about the resource `r`."""
    return "LOWER(r.name)" if kind is Kind.ACTOR else "r.name"


def load_facts(resource: Resource, account_id: str | None, *, at: datetime | None = None) -> Facts:
    """Return the facts about a resource that is at hand, as they are now, for `account_id`.

    Of the grants, they have those that count now, or `at` another moment.

    Raises:
        LookupError: when the resource is gone.
    """
    found = fetch(ResourceAddress(Kind(resource.kind), id=resource.pk), account_id, only_facts=True, at=at)
    if found is None:
        raise LookupError(resource.pk)
    return found.facts


def _direct(of: str) -> str:
    return (
        f"(SELECT g.permissions FROM sharing_grant g WHERE g.resource_id = {of}.id "
        f"AND g.account_id = %s AND g.source = 'DIRECT' AND {counts_sql()})"
    )


def _from_issue(of: str) -> str:
    return (
        f"EXISTS(SELECT 1 FROM sharing_grant g WHERE g.resource_id = {of}.id "
        f"AND g.account_id = %s AND g.source = 'ISSUE' AND {counts_sql()})"
    )


def _permission_level(of: str) -> str:
    return f"(SELECT p.permission_level FROM resources_actor p WHERE p.resource_ptr_id = {of}.id)"


def _started_by_run(of: str) -> str:
    return f"(SELECT s.started_by_run FROM resources_run s WHERE s.resource_ptr_id = {of}.id)"


# The columns of the facts, in the order in which they are read back.
_OF_RESOURCE = (
    "r.id",
    "r.owner_id",
    "r.name",
    "r.general_access",
    "r.is_public",
    "r.link_counter",
    "r.created_by_token",
    "r.created_by_actor",
)
_OF_OWNER = (
    "o.username",
    "o.general_access",
    "o.share_runs_with_actor_creators",
    "o.link_days",
    "o.link_counter",
    "o.readers_make_links",
)
_OF_ACTOR = (
    "actor.id",
    "actor.owner_id",
    "actor.name",
    "actor.is_public",
    _direct("actor"),
    "actor.created_by_token",
    _permission_level("actor"),
)
_OF_TASK = ("task.id", "task.owner_id", "task.name", _direct("task"), "task.created_by_token")
_OF_RUN = (
    "run.id",
    "run.owner_id",
    "run_owner.general_access",
    "run_owner.share_runs_with_actor_creators",
    "run.general_access",
    _direct("run"),
    _from_issue("run"),
    "run.created_by_token",
    _started_by_run("run"),
)
# A default storage comes with its run, the Actor and the task, in one column: for each column that a statement has,
# drivers spend as long as for a look into an index, also where it is NULL, as in all storages that have no run.
_JSON_ARRAY = "json_build_array" if connection.vendor == "postgresql" else "json_array"
_PACKED_RUN = (
    f"(SELECT CAST({_JSON_ARRAY}({', '.join((*_OF_RUN, *_OF_ACTOR, *_OF_TASK))}) AS text) "
    "FROM resources_resource run JOIN accounts_account run_owner ON run_owner.id = run.owner_id "
    "LEFT JOIN resources_resource actor ON actor.id = run.actor_id "
    "LEFT JOIN resources_resource task ON task.id = run.task_id WHERE run.id = r.run_id)"
)


# When the holder who asks was last given the key of a storage, the one of the secret that signs now: so that answering
# with it takes no further statement.
_KEY_GIVEN = (
    "(SELECT k.used_at FROM sharing_storagekey k "
    "WHERE k.resource_id = r.id AND k.account_id = %s AND k.token_id = %s AND k.secret = %s)"
)


class _Statement:
    """The statement of one kind, and how its rows are read: with the columns of the model instance, or without."""

    def __init__(self, kind: Kind, with_instance: bool) -> None:
        self.kind = kind
        self.model = MODELS[kind]
        fields = self.model._meta.concrete_fields
        self.with_instance = with_instance
        self.field_names = [field.attname for field in fields]
        self.converters = [(at, _CONVERTERS[type(f)]) for at, f in enumerate(fields) if type(f) in _CONVERTERS]
        self.has_run = KINDS[kind].storage
        self.has_task = kind is Kind.RUN
        self.has_actor = self.has_task or kind is Kind.BUILD
        self.is_actor = kind is Kind.ACTOR
        facts = [*_OF_RESOURCE, *_OF_OWNER, _direct("r"), _from_issue("r") if kind is Kind.RUN else "FALSE"]
        facts += [_PACKED_RUN] if self.has_run else []
        facts += _OF_ACTOR if self.has_actor else ()
        facts += [*_OF_TASK, _started_by_run("r")] if self.has_task else ()
        facts += [_permission_level("r")] if self.is_actor else []
        self.has_key = self.has_run and with_instance
        self.grant_lookups = sum(fact.count("FROM sharing_grant") for fact in facts)
        facts += [_KEY_GIVEN] if self.has_key else []
        self.facts_end = len(facts)
        columns = [f"{'r' if field.model is Resource else 'k'}.{field.column}" for field in fields]
        wanted = map(_as_it_is, facts + columns if with_instance else facts)
        select = f"SELECT {', '.join(wanted)} {self._from()}"
        self.by_id = Statement(f"{select} WHERE r.id = %s{'' if with_instance else self._of_kind()}")
        self.by_run = Statement(f"{select} WHERE r.run_id = %s AND r.alias IS NULL{self._of_kind()}")
        self.by_name = Statement(
            f"{select} WHERE r.owner_id = (SELECT a.id FROM accounts_account a WHERE LOWER(a.username) = %s) "
            f"AND {_name_column(kind)} = %s{self._of_kind()}"
        )

    def _of_kind(self) -> str:
        return f" AND r.kind = '{self.kind.value}'"

    def _from(self) -> str:
        joins = [f"FROM {Resource._meta.db_table} r"]
        if self.with_instance:
            joins.append(f"JOIN {self.model._meta.db_table} k ON k.resource_ptr_id = r.id")
        joins.append("JOIN accounts_account o ON o.id = r.owner_id")
        if self.has_actor:
            joins.append("LEFT JOIN resources_resource actor ON actor.id = r.actor_id")
        if self.has_task:
            joins.append("LEFT JOIN resources_resource task ON task.id = r.task_id")
        return " ".join(joins)

    def instance(self, row: Sequence[Any]) -> Resource:
        """Make the model instance of a row, or fetch it where the row has only the facts."""
        if not self.with_instance:
            return get_object_or_404(self.model, pk=row[0])
        values = list(row[self.facts_end :])
        for at, convert in self.converters:
            values[at] = convert(values[at])
        return self.model.from_db("default", self.field_names, values)

    def facts(self, row: Sequence[Any]) -> Facts:
        """Make the facts of a row."""
        id_, owner_id, name, level, is_public, link_counter, created_by_token, created_by_actor = row[:8]
        owner_username, owner_level, owner_shares, link_days, owner_link_counter, readers_make_links = row[8:14]
        granted, attached = row[14:16]
        actor = _actor(row[16:23]) if self.has_actor else None
        task = _task(row[23:28]) if self.has_task else None
        run = _run(row[16]) if self.has_run and row[16] is not None else None
        return Facts(
            id=id_,
            kind=self.kind,
            owner_id=owner_id,
            owner_username=owner_username,
            owner_general_access=owner_level,
            owner_shares_runs=bool(owner_shares),
            owner_link_days=link_days,
            owner_link_counter=owner_link_counter,
            owner_readers_make_links=bool(readers_make_links),
            link_counter=link_counter,
            key_given_at=_aware_or_none(row[17]) if self.has_key else None,
            name=name,
            general_access=level,
            is_public=bool(is_public),
            granted=_PERMISSIONS[granted or 0],
            attached_to_issue=bool(attached),
            actor=actor,
            task=task,
            run=run,
            created_by_token=created_by_token,
            created_by_actor=created_by_actor,
            started_by_run=row[28] if self.has_task else None,
            is_limited=self.is_actor and row[16] == permission_levels.LIMITED,
        )


def _actor(columns: Sequence[Any]) -> Parent | None:
    id_, owner_id, name, is_public, granted, created_by_token, level = columns
    if id_ is None:
        return None
    is_limited = level == permission_levels.LIMITED
    return Parent(id_, owner_id, name, bool(is_public), _PERMISSIONS[granted or 0], created_by_token, is_limited)


def _task(columns: Sequence[Any]) -> Parent | None:
    id_, owner_id, name, granted, created_by_token = columns
    if id_ is None:
        return None
    return Parent(id_, owner_id, name, granted=_PERMISSIONS[granted or 0], created_by_token=created_by_token)


def _run(packed: str) -> Facts:
    columns = msgspec.json.decode(packed)
    id_, owner_id, owner_level, owner_shares, level, granted, attached, created_by_token, started_by_run = columns[:9]
    return Facts(
        id=id_,
        kind=Kind.RUN,
        owner_id=owner_id,
        owner_general_access=owner_level,
        owner_shares_runs=bool(owner_shares),
        general_access=level,
        granted=_PERMISSIONS[granted or 0],
        attached_to_issue=bool(attached),
        actor=_actor(columns[9:16]),
        task=_task(columns[16:]),
        created_by_token=created_by_token,
        started_by_run=started_by_run,
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
_WITH_INSTANCE, _ONLY_FACTS = (
    {kind: _Statement(kind, with_instance) for kind in Kind} for with_instance in (True, False)
)
