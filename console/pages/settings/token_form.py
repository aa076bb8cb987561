"""The form of an API token: a name, when it ends, and what it may be used for.

Resources are found by a search within the form, which is sent and shown again with what was found and all that was
ticked. A box stands for a permission on a kind ("dataset:READ"), or on one resource ("dataset:ID:READ").
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from accounts.lib.ids import looks_like_id
from accounts.models import ActorRuns, ApiToken
from accounts.organizations.permissions import AccountPermission
from accounts.principal import CREATE, Principal
from accounts.token_editing import TokenSettings, settings_of
from console.pages.components.forms import BaseForm
from console.pages.settings.token_sentences import DEFAULT_STORAGES
from resources.kinds import KINDS, Kind, KindInfo
from resources.models import Resource
from sharing.lists import listed
from sharing.narrowings.role import roles_let
from sharing.permissions import Permission
from sharing.policies.token_changes import BeyondRole, check_within_role
from sharing.policies.token_rules import InvalidScope, check_entries, named_resources, scope_permissions
from sharing.visibility.labels import scope_label

MOST_FOUND = 10
NEVER = "never"
ON_A_DATE = "date"
_ORGANIZATION = "organization"
AS_IT_IS = "kept"
LIFETIMES = (
    (NEVER, "Never"),
    ("7", "In 7 days"),
    ("30", "In 30 days"),
    ("90", "In 90 days"),
    ("365", "In a year"),
    (ON_A_DATE, "On a date"),
)


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """A kind or a resource in the table of what a token may be used for: a box for each permission."""

    info: KindInfo
    title: str
    boxes: tuple[tuple[str, str, bool], ...]


class ScopeBoxes(forms.MultipleChoiceField):
    """The boxes that are ticked; which of them can be is for `check_entries` to say."""

    def valid_value(self, value: str) -> bool:
        """Accept what names a kind and a permission of it, and perhaps a resource."""
        kind, _, rest = value.partition(":")
        id_, named, permission = rest.rpartition(":")
        could_be = not named or looks_like_id(id_)
        return kind in set(Kind) and could_be and permission in scope_permissions(Kind(kind))


class TokenForm(BaseForm, forms.Form):
    """A new API token, or with `token` one that is changed."""

    first_field = None

    name = forms.CharField(max_length=100, help_text="What it is for, so that you know which one to revoke.")
    description = forms.CharField(max_length=160, required=False)
    lifetime = forms.ChoiceField(choices=LIFETIMES, initial=NEVER, label="Expires")
    expires_on = forms.DateField(
        required=False,
        label="Date",
        help_text="Where it expires on a date: it works to the end of that day (UTC).",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    belongs_to = forms.ChoiceField(
        choices=(("me", "Me"), (_ORGANIZATION, "The organization")),
        required=False,
        initial="me",
        widget=forms.RadioSelect,
        help_text="A token of yours has your role, and ends with your membership. One of the organization does not.",
    )
    access = forms.ChoiceField(
        choices=(("full", "Full access"), ("limited", "Limited permissions")),
        initial="full",
        widget=forms.RadioSelect,
        label="What it may be used for",
    )
    scope = ScopeBoxes(required=False)
    default_run_storages = forms.BooleanField(
        required=False,
        label="Default storages of runs",
        help_text=DEFAULT_STORAGES,
    )
    actor_runs = forms.ChoiceField(
        choices=(
            (ActorRuns.RESTRICTED.value, "No more than the token"),
            (ActorRuns.FULL.value, "All that their Actors can"),
        ),
        required=False,
        initial=ActorRuns.RESTRICTED.value,
        widget=forms.RadioSelect,
        label="Runs that it starts can do",
        help_text="An Actor that the token can write or build, or has created, never does more than the token.",
    )
    find_kind = forms.ChoiceField(
        choices=[(kind.value, info.heading) for kind, info in KINDS.items()], required=False, label="Kind"
    )
    find = forms.CharField(max_length=100, required=False, label="Name or ID")

    def __init__(self, *args: Any, by: Principal, token: ApiToken | None = None, **kwargs: Any) -> None:
        if token is not None:
            kwargs["initial"] = _initial(token) | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        self.by = by
        if token is not None or not by.person_id or not by.may_for_account(AccountPermission.MANAGE_ACCESS_TOKENS):
            del self.fields["belongs_to"]
        self.token = token
        if token is not None and token.expires_at is not None:
            kept = f"As it is: {token.expires_at:%d %b %Y, %H:%M} UTC"
            self.fields["lifetime"].choices = [(AS_IT_IS, kept), *LIFETIMES]  # type: ignore[attr-defined]  # a ChoiceField

    @property
    def is_search(self) -> bool:
        """Whether the button of the search was pressed, which saves nothing."""
        return "search" in self.data

    def forget_errors(self) -> None:
        """Show no errors: the form was sent for its search alone."""
        self._errors = forms.utils.ErrorDict()

    def rows(self) -> list[ScopeRow]:
        """Return the kinds with their permissions, as ticked so far."""
        return [_row(info, info.heading, kind.value, kind, self._ticked()) for kind, info in KINDS.items()]

    def chosen(self) -> list[ScopeRow]:
        """Return the resources that something is ticked of."""
        ticked = self._ticked()
        ids = {value.split(":")[1] for value in ticked if value.count(":") == 2}
        known = {each.pk: each for each in Resource.objects.filter(pk__in=ids)} if ids else {}
        named = sorted({tuple(value.split(":")[:2]) for value in ticked if value.count(":") == 2})
        return [self._row_of(Kind(kind), id_, self._title(known.get(id_), id_), ticked) for kind, id_ in named]

    def found(self) -> list[ScopeRow]:
        """Return what the search finds, the newest first, without what is chosen."""
        kind = self["find_kind"].value()
        if kind not in set(Kind) or not (self.is_search or self.initial.get("find_kind")):
            return []
        ticked = self._ticked()
        search = str(self["find"].value() or "")[:100].replace("\x00", "")
        rows = listed(self.by, kinds=[Kind(kind)], search=search, limit=MOST_FOUND)
        chosen = {value.split(":")[1] for value in ticked if value.count(":") == 2}
        return [
            self._row_of(row.kind, row.id, row.title or row.name or row.id, ticked)
            for row in rows
            if row.id not in chosen
        ]

    def clean(self) -> dict[str, Any]:
        """Work out when the token ends and what its scope is."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            data["expires_at"] = self._expires_at(data)
            data["scope_entries"] = self._scope(data) if data["access"] == "limited" else None
        if not self.errors and not self.member_id:
            self._check_within_role()
        return data

    @property
    def member_id(self) -> str:
        """The member to whom the token belongs; "" where it is the account's own."""
        if self.token is not None:
            return self.token.member_id
        return "" if self.cleaned_data.get("belongs_to") == _ORGANIZATION else self.by.person_id

    def settings(self) -> TokenSettings:
        """Return what the token is to be like."""
        data = self.cleaned_data
        limited = data["scope_entries"] is not None
        return TokenSettings(
            data["name"],
            data["description"],
            data["scope_entries"],
            limited and data["default_run_storages"],
            (limited and data["actor_runs"]) or ActorRuns.RESTRICTED.value,
            data["expires_at"],
        )

    def _check_within_role(self) -> None:
        try:
            check_within_role(self.settings(), self.by)
            if self.token:
                check_within_role(settings_of(self.token), self.by)
        except BeyondRole as refused:
            self.add_error(None, str(refused))

    def _ticked(self) -> set[str]:
        values = self["scope"].value() or []
        return {value for value in values if self.fields["scope"].valid_value(value)}  # type: ignore[attr-defined]  # ScopeBoxes

    def _title(self, resource: Resource | None, id_: str) -> str:
        """Return the name of a resource of the account that the roles of the user let read, and of any other its ID."""
        if resource is None or resource.owner_id != self.by.account_id:
            return id_
        return (resource.name if roles_let(self.by, Permission.READ, Kind(resource.kind)) else None) or id_

    def _row_of(self, kind: Kind, id_: str, title: str, ticked: set[str]) -> ScopeRow:
        info = KINDS[kind]
        return _row(info, f"{info.short} {title}", f"{kind.value}:{id_}", kind, ticked, but=CREATE)

    def _expires_at(self, data: dict[str, Any]) -> datetime | None:
        lifetime = data["lifetime"]
        if lifetime == AS_IT_IS and self.token is not None:
            return self.token.expires_at
        if lifetime == ON_A_DATE:
            day = data["expires_on"]
            if day is None or day < timezone.now().date():
                self.add_error("expires_on", "Choose a day that is not over yet.")
                return None
            return datetime.combine(day, time.max, UTC)
        return timezone.now() + timedelta(days=int(lifetime)) if lifetime != NEVER else None

    def _scope(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        if not data["scope"]:
            self.add_error("scope", "Tick at least one permission, or let the token do everything.")
            return []
        kept = named_resources(self.token.scope) if self.token else ()
        try:
            return check_entries([*_entries(data["scope"])], self.by, kept)
        except InvalidScope as problem:
            text = str(problem)
            self.add_error("scope", text[0].upper() + text[1:])
            return []


def _row(info: KindInfo, title: str, prefix: str, kind: Kind, ticked: set[str], but: str = "") -> ScopeRow:
    names = [name for name in scope_permissions(kind) if name != but]
    boxes = ((f"{prefix}:{name}", scope_label(name), f"{prefix}:{name}" in ticked) for name in names)
    return ScopeRow(info, title, tuple(boxes))


def _entries(ticked: Iterable[str]) -> Iterable[dict[str, Any]]:
    for value in ticked:
        kind, *id_, permission = value.split(":")
        yield {"kind": kind, "permissions": [permission], "resourceId": id_[0] if id_ else None}


def _initial(token: ApiToken) -> dict[str, Any]:
    """Return the fields of the form for a token as it is."""
    boxes = [
        ":".join(filter(None, (entry["kind"], entry.get("resourceId"), name)))
        for entry in token.scope or ()
        for name in entry["permissions"]
    ]
    return {
        "name": token.name,
        "description": token.description,
        "lifetime": AS_IT_IS if token.expires_at else NEVER,
        "access": "full" if token.scope is None else "limited",
        "scope": boxes,
        "default_run_storages": token.default_run_storages,
        "actor_runs": token.actor_runs,
    }
