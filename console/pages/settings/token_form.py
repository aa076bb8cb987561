"""The form for a new API token: a name, how long it lives, and what it may be used for."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.lib.ids import looks_like_id
from accounts.models import Account
from accounts.principal import CREATE
from console.pages.components.forms import BaseForm
from resources.kinds import KINDS, Kind, KindInfo
from resources.models import Resource
from sharing.visibility.labels import scope_label

MOST_IDS = 50
NEVER = "never"
ON_A_DATE = "date"
LIFETIMES = (
    (NEVER, "Never"),
    ("7", "In 7 days"),
    ("30", "In 30 days"),
    ("90", "In 90 days"),
    ("365", "In a year"),
    (ON_A_DATE, "On a date"),
)


def scope_permissions(kind: Kind) -> tuple[str, ...]:
    """Return what a scope may name on a kind. Runs come of starting an Actor, and builds of building it."""
    permissions = KINDS[kind].permissions
    return permissions if kind in (Kind.RUN, Kind.BUILD) else (*permissions, CREATE)


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """A kind in the table of what a token may be used for: a box for each permission, and a field for IDs."""

    info: KindInfo
    boxes: tuple[tuple[str, str, bool], ...]
    ids: forms.BoundField


class TokenForm(BaseForm, forms.Form):
    """A new API token."""

    first_field = None

    name = forms.CharField(max_length=100, help_text="What it is for, so that you know which one to revoke.")
    lifetime = forms.ChoiceField(choices=LIFETIMES, initial=NEVER, label="Expires")
    expires_on = forms.DateField(
        required=False,
        label="Date",
        help_text="Where it expires on a date: it works to the end of that day (UTC).",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    access = forms.ChoiceField(
        choices=(("full", "Full access"), ("limited", "Limited permissions")),
        initial="full",
        widget=forms.RadioSelect,
        label="What it may be used for",
    )
    scope = forms.MultipleChoiceField(
        choices=[(f"{kind}:{name}", name) for kind in KINDS for name in scope_permissions(kind)],
        required=False,
    )

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        for kind, info in KINDS.items():
            self.fields[f"ids_{kind}"] = forms.CharField(
                required=False,
                max_length=1500,
                label=f"Only these {info.short_plural} (IDs)",
                widget=forms.TextInput(attrs={"placeholder": f"All {info.short_plural}", "spellcheck": "false"}),
            )

    def rows(self) -> list[ScopeRow]:
        """Return the table of kinds and permissions, as filled in so far."""
        ticked = set(self["scope"].value() or [])
        return [
            ScopeRow(
                info,
                tuple(
                    (f"{kind}:{name}", scope_label(name), f"{kind}:{name}" in ticked)
                    for name in scope_permissions(kind)
                ),
                self[f"ids_{kind}"],
            )
            for kind, info in KINDS.items()
        ]

    def clean(self) -> dict[str, Any]:
        """Work out when the token ends and what its scope is."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            data["expires_at"] = self._expires_at(data)
            data["scope_entries"] = self._scope(data) if data["access"] == "limited" else None
        return data

    def _expires_at(self, data: dict[str, Any]) -> datetime | None:
        lifetime = data["lifetime"]
        if lifetime == ON_A_DATE:
            day = data["expires_on"]
            if day is None or day < timezone.now().date():
                self.add_error("expires_on", "Choose a day that is not over yet.")
                return None
            return datetime.combine(day, time.max, UTC)
        return timezone.now() + timedelta(days=int(lifetime)) if lifetime != NEVER else None

    def _scope(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        ticked = [choice.split(":") for choice in data["scope"]]
        if not ticked:
            self.add_error("scope", "Tick at least one permission, or let the token do everything.")
        entries: list[dict[str, Any]] = []
        for kind, info in KINDS.items():
            names = [name for ticked_kind, name in ticked if ticked_kind == kind]
            ids = self._ids(kind, data[f"ids_{kind}"])
            if ids and CREATE in names:
                self.add_error(f"ids_{kind}", f"A token that creates {info.short_plural} needs no IDs of others.")
            if ids and not names:
                self.add_error(f"ids_{kind}", f"Tick what the token may do with these {info.short_plural}.")
            if names:
                wanted: list[str | None] = [*ids] or [None]
                entries += [{"kind": str(kind), "permissions": names, "resourceId": id_} for id_ in wanted]
        return entries

    def _ids(self, kind: Kind, text: str) -> list[str]:
        """Return the IDs in a field; each must be of something that the account may read, so none is given away."""
        ids = list(dict.fromkeys(text.replace(",", " ").split()))
        try:
            if len(ids) > MOST_IDS:
                raise ValidationError(f"At most {MOST_IDS} IDs.")
            known = {found.pk: found for found in Resource.objects.filter(pk__in=filter(looks_like_id, ids), kind=kind)}
            for id_ in ids:
                if id_ not in known or not self.account.has_perm("READ", known[id_]):
                    noun = KINDS[kind].noun
                    raise ValidationError(f"There is no {noun} {id_}, or it is not shared with you.")
        except ValidationError as problem:
            self.add_error(f"ids_{kind}", problem)
        return ids
