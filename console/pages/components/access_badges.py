"""General access as a badge, and why the viewer can see a resource, as a sentence."""

from dataclasses import dataclass

from console.pages.components.access_reasons import decision_reason
from resources.models import GeneralAccess
from sharing.access import Decision, Facts, Reason, general_access_source
from sharing.permissions import Permission
from sharing.visibility.labels import permission_verbs
from sharing.visibility.visibility import PublicAccess, everyone


@dataclass(frozen=True, slots=True)
class Badge:
    """A level as a badge: `tone` is its colour, `icon` a heroicon, `source` where a level it follows is from."""

    level: str
    label: str
    tone: str
    icon: str
    source: str
    explanation: str


_LOOKS = {
    GeneralAccess.RESTRICTED: (
        "Restricted",
        "restricted",
        "lock-closed",
        "Its ID or link alone gives no access.",
    ),
    GeneralAccess.ANYONE_WITH_ID_CAN_READ: ("Anyone with ID", "open", "link", "Anyone who has the ID can read."),
    GeneralAccess.ANYONE_WITH_NAME_CAN_READ: (
        "Anyone with name or ID",
        "named",
        "globe-alt",
        "Anyone who has the ID, or knows the owner and the name, can read.",
    ),
}


def access_badge(facts: Facts) -> Badge:
    """Return the badge for the level that holds for a resource, whether its own or one that it follows.

    A build of a public Actor is open at every level.
    """
    level, inherited_from = general_access_source(facts)
    if everyone(facts) is PublicAccess.PUBLIC:
        return Badge(level, "Public", "open", "globe-alt", "", "Everyone can read, because the Actor is public.")
    label, tone, icon, explanation = _LOOKS[GeneralAccess(level)]
    source = {"RUN": "from its run", "ACCOUNT": "from the account"}.get(inherited_from or "", "")
    return Badge(level, label, tone, icon, source, explanation)


def why_visible(decision: Decision, facts: Facts, held: Permission, account_id: str | None) -> str:
    """Return a sentence that says why the viewer may read the resource; empty for the owner."""
    if decision.reason is Reason.OWNER:
        return ""
    sentence = f"Your access: {permission_verbs(held)}, {decision_reason(decision, facts, account_id)}."
    by_link = decision.reason in (Reason.ANYONE_WITH_ID, Reason.ANYONE_WITH_NAME)
    return f"{sentence} Keep the link: what is open by its link alone is not in your lists." if by_link else sentence
