"""Settings, Security & Privacy: how long pre-signed links to what an account owns can live, and who makes them."""

from typing import Any, Self

from django import forms
from django.http import QueryDict

from accounts.models import Account
from accounts.request_types import PageRequest
from console.pages.account.reauthenticate import back_from_confirmation
from console.pages.components import prediction_sentences
from console.pages.storages.link_form import days
from sharing.links.link_limits import MAX_CAP, Effect, is_lowered, predict_effect

SECTION = "pre-signed-links"
READER_SECTION = "reader-links"
_USUAL_DAYS = 30


class CapForm(forms.Form):
    """No limit, or so many days."""

    link_limit = forms.ChoiceField(choices=(("none", "No limit"), ("days", "Limit")))
    link_days = forms.IntegerField(
        label="Days",
        required=False,
        min_value=1,
        max_value=MAX_CAP,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"), f"Enter a number of days from 1 to {MAX_CAP:,}."
        ),
    )

    def clean(self) -> None:
        """A limit needs its days."""
        limited = self.cleaned_data.get("link_limit") == "days"
        if limited and self.cleaned_data.get("link_days") is None and "link_days" not in self.errors:
            self.add_error("link_days", f"Enter a number of days from 1 to {MAX_CAP:,}.")

    @classmethod
    def of(cls, sent: QueryDict) -> Self:
        """Return the form as it was sent; whatever stands in the field for the days counts only with a limit."""
        data = sent.copy()
        if data.get("link_limit") == "none":
            data["link_days"] = ""
        return cls(data)

    @property
    def problem(self) -> str:
        """What is wrong, in a sentence."""
        return str(next(iter(self.errors.get("link_days", [])), "Choose one of the two options."))

    @property
    def cap(self) -> int | None:
        """What was chosen; None for no limit."""
        limited = self.cleaned_data["link_limit"] == "days"
        return int(self.cleaned_data["link_days"]) if limited else None


def effect_to_show(request: PageRequest, cap: int | None) -> Effect | None:
    """Return what saving this limit would end, if that is something and the user has not seen it yet; else None.

    The form holds the limit whose effect was shown, so another limit is shown its own first.
    """
    if cap is None or not is_lowered(request.account, cap) or request.POST.get("seen") == str(cap):
        return None
    effect = predict_effect(request.account, cap)
    return effect if effect.ends_something else None


def links_context(request: PageRequest) -> dict[str, Any]:
    """Return what the sections show: what was just sent or is to be confirmed, else what is saved."""
    cap = request.account.link_days
    meant = back_from_confirmation(request, SECTION)
    sent = request.POST if request.method == "POST" else meant or QueryDict()
    limited = cap is not None
    if sent.get("link_limit") in ("none", "days"):
        limited = sent["link_limit"] == "days"
    number = sent.get("link_days") or cap or _USUAL_DAYS
    meant_readers = back_from_confirmation(request, READER_SECTION)
    return {
        "what_links_open": prediction_sentences.what_links_open(request.account),
        "links_standing": prediction_sentences.standing_sentence(request.account),
        "limit_words": prediction_sentences.limit_sentences(),
        "reader_words": prediction_sentences.reader_link_sentences(request.account),
        "reader_links": (
            request.account.readers_make_links if meant_readers is None else "reader_links" in meant_readers
        ),
        "confirmed_readers": meant_readers is not None,
        "links_limited": limited,
        "link_days": number,
        "max_link_days": MAX_CAP,
        "confirmed_links": meant is not None,
    }


def saved_message(cap: int | None) -> str:
    """Say what was saved."""
    if cap is None:
        return "Saved: pre-signed links to your storages can last as long as their makers choose."
    return (
        f"Saved: pre-signed links to your storages last {days(cap)} at most. Links that outlast the limit do not work."
    )


def said_of_readers(account: Account) -> str:
    """Say who can make links now that the setting for users who may only read was saved."""
    return f"Saved. {prediction_sentences.link_makers_sentence(account)}"
