"""What each line of the audit trail says to a person. Who did it stands beside it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from accounts.email_addresses import for_display
from accounts.models import AccountGeneralAccess, AuditEvent
from resources.kinds import KINDS, Kind
from resources.models import GeneralAccess
from resources.permission_levels import LIMITED
from sharing.permissions import Permission
from sharing.visibility.labels import LABELS, end_label

METHODS = {"totp": "authenticator app", "webauthn": "passkey", "recovery_codes": "recovery codes"}


def activity_message(event: AuditEvent) -> str:
    """Return what happened, as a sentence without a subject: "Signed in."."""
    sentence = _SENTENCES.get(event.action)
    if sentence is None:
        return f"{event.action.replace('_', ' ').replace('.', ' ').capitalize()}: {_subject(event)}."
    return sentence if isinstance(sentence, str) else sentence(event)


def _subject(event: AuditEvent) -> str:
    info = KINDS.get(Kind(event.subject_kind)) if event.subject_kind in set(Kind) else None
    name = event.details.get("name") or event.subject_id or "the account"
    return f"{info.noun} {name}" if info else str(name)


def _permissions(names: Iterable[str]) -> str:
    known = [LABELS[Permission[name]].lower() for name in names if name in Permission.__members__]
    return ", ".join(known) or "nothing"


def _level(value: Any) -> str:
    labels: dict[str, Any] = {**dict(GeneralAccess.choices), **dict(AccountGeneralAccess.choices)}
    return str(labels.get(str(value), value))


def _created(event: AuditEvent) -> str:
    if event.details.get("invited"):
        return "Signed up with an invitation."
    return "Signed up." if event.actor_id else "Made the account."


def _sessions_ended(event: AuditEvent) -> str:
    ended, tokens = event.details.get("sessions", 0), event.details.get("tokens", 0)
    return f"Signed the account out everywhere: sessions ended: {ended}, API tokens ended: {tokens}."


def _failed(event: AuditEvent) -> str:
    method = METHODS.get(event.details.get("method", ""))
    return f"Failed to sign in with the {method}." if method else "Failed to sign in: wrong password."


def _factor(verb: str) -> Callable[[AuditEvent], str]:
    return lambda event: f"{verb} two-factor sign-in: {METHODS.get(event.details.get('method', ''), 'unknown')}."


def _grantee(event: AuditEvent) -> str:
    return str(event.details.get("grantee", {}).get("username", "someone"))


def _granted(event: AuditEvent) -> str:
    after = _permissions(event.details.get("after", []))
    return f"Shared {_subject(event)} with {_grantee(event)}{_until(event)}: {after}."


def _regranted(event: AuditEvent) -> str:
    after, until = _permissions(event.details.get("after", [])), _until(event)
    if event.details.get("expiredAt") != event.details.get("expiresAt"):
        until = until or ", without an end"
    return f"Changed what {_grantee(event)} may do with {_subject(event)}{until}: {after}."


def _until(event: AuditEvent) -> str:
    ends = event.details.get("expiresAt")
    return f" {end_label(datetime.fromisoformat(ends))}" if ends else ""


def _switched(on: str, off: str) -> Callable[[AuditEvent], str]:
    return lambda event: on if event.details.get("after") else off


def _issue(text: str) -> Callable[[AuditEvent], str]:
    return lambda event: text.format(_subject(event), event.details.get("issue", {}).get("title", ""))


def _version(text: str) -> Callable[[AuditEvent], str]:
    return lambda event: text.format(_subject(event), event.details.get("version", ""))


def _link(verb: str) -> Callable[[AuditEvent], str]:
    def sentence(event: AuditEvent) -> str:
        key = event.details.get("link", {}).get("recordKey")
        return f"{verb} a pre-signed link to {f'record {key} of ' if key else ''}{_subject(event)}."

    return sentence


def _link_days(event: AuditEvent) -> str:
    days = event.details.get("after")
    if days is None:
        return "Removed the limit on how long pre-signed links live."
    return f"Limited pre-signed links to {days} day{'' if days == 1 else 's'}."


def _forgotten(event: AuditEvent) -> str:
    holder = event.details.get("holder", {})
    token = f"the API token {holder['token']} of " if holder.get("token") else ""
    who = token + (holder.get("username") or "a deleted account")
    return f"Ended the links that {who} had signed for {_subject(event)}, because very many others were given a key."


def _renamed(event: AuditEvent) -> str:
    before, after = event.details.get("before"), event.details.get("after")
    return f"Renamed {_subject(event)}: {before or 'unnamed'} is now {after or 'unnamed'}."


def _member(text: str) -> Callable[[AuditEvent], str]:
    """Return what writes a sentence with the member and the other details of a line."""

    def sentence(event: AuditEvent) -> str:
        known = {"before": "", "after": "", "role": "", "nextRole": "", **event.details}
        return text.format_map({**known, "member": event.details.get("member", {}).get("username", "a user")})

    return sentence


def _named(text: str) -> Callable[[AuditEvent], str]:
    return lambda event: text.format(event.details.get("name") or "")


_SENTENCES: dict[str, str | Callable[[AuditEvent], str]] = {
    "account.created": _created,
    "account.suspended": "Suspended the account.",
    "account.restored": "Restored the account.",
    "account.sessions_ended": _sessions_ended,
    "account.published_password_closed": (
        "Signed the account out everywhere and ended its API tokens: its password is published, and others can come."
    ),
    "organization.created": _named("Made the organization {}."),
    "organization.renamed": _member("Renamed the organization: {before} is now {after}."),
    "organization.deleted": _named("Deleted the organization {} with all that it had."),
    "role.added": _named("Added the role {}."),
    "role.changed": _named("Changed the role {}."),
    "role.removed": _named("Removed the role {}."),
    "member.invited": _member("Invited {member} as {role}."),
    "member.invitation_revoked": _member("Took back the invitation of {member} as {role}."),
    "member.declined": _member("Declined the invitation of {member} as {role}."),
    "member.joined": _member("{member} became a member as {role}."),
    "member.role_changed": _member("Changed the role of {member} from {before} to {after}."),
    "member.left": _member("{member} left the organization."),
    "member.removed": _member("Removed {member} from the organization."),
    "ownership.offered": _member("Offered the role of the Owner to {member}."),
    "ownership.declined": _member("{member} declined the role of the Owner."),
    "ownership.taken_over": _member("{member} took over the role of the Owner from {before}."),
    "schedule.switched_off": _named("Switched off the schedule {}, because the member it acted as has left."),
    "sign_in": "Signed in.",
    "sign_in.failed": _failed,
    "sign_out": "Signed out.",
    "session.ended": lambda event: (
        f"Ended a session: {event.details.get('session', {}).get('browser', 'unknown browser')}."
    ),
    "password.changed": "Changed the password.",
    "password.set": "Set a password.",
    "password.reset": "Reset the password by a link.",
    "password.reset_link_made": "Made a link to choose a new password.",
    "email.verified": lambda event: f"Verified the email {for_display(event.details.get('email', ''))}.",
    "email.changed": lambda event: f"Changed the email to {for_display(event.details.get('after', ''))}.",
    "two_factor.added": _factor("Added"),
    "two_factor.removed": _factor("Removed"),
    "token.created": lambda event: f"Created the API token {event.details.get('name', '')}.",
    "token.changed": lambda event: f"Changed the API token {event.details.get('name', '')}.",
    "token.rotated": lambda event: f"Rotated the API token {event.details.get('name', '')}.",
    "token.former_texts_ended": lambda event: f"Ended the old values of the API token {event.details.get('name', '')}.",
    "token.revoked": lambda event: f"Revoked the API token {event.details.get('name', '')}.",
    "account.general_access.changed": lambda event: (
        f"Changed general resource access to “{_level(event.details.get('after'))}”."
    ),
    "account.share_runs_with_actor_creators.changed": _switched(
        "Turned on run sharing with developers.", "Turned off run sharing with developers."
    ),
    "account.notify_when_shared.changed": _switched(
        "Turned on emails about what is shared.", "Turned off emails about what is shared."
    ),
    "account.notify_of_issues.changed": _switched("Turned on emails about issues.", "Turned off emails about issues."),
    "issue.deleted": _issue("Deleted the issue “{1}”."),
    "general_access.changed": lambda event: (
        f"Changed general access of {_subject(event)} to “{_level(event.details.get('after'))}”."
    ),
    "grant.created": _granted,
    "grant.changed": _regranted,
    "grant.revoked": lambda event: f"Stopped sharing {_subject(event)} with {_grantee(event)}.",
    "grant.ended": lambda event: f"The access of {_grantee(event)} to {_subject(event)} ended.",
    "access.requested": lambda event: f"Asked for access to {_subject(event)}.",
    "issue.run_attached": _issue("Attached {} to the issue “{}”."),
    "issue.run_detached": _issue("Took {} off the issue “{}”."),
    "link.created": _link("Made"),
    "link.revoked": _link("Revoked"),
    "link.all_revoked": lambda event: f"Revoked all pre-signed links to {_subject(event)}.",
    "account.link_days.changed": _link_days,
    "link.keys_changed": lambda event: (
        f"Changed the signing keys of {_subject(event)}, because very many links longer than the limit were used."
    ),
    "link.key_forgotten": _forgotten,
    "account.readers_make_links.changed": _switched(
        "Began to let users who may only read make links to Restricted storages.",
        "Stopped letting users who may only read make links to Restricted storages.",
    ),
    "webhook.created": lambda event: f"Created a webhook to {event.details.get('name', '')}.",
    "webhook.changed": lambda event: f"Changed a webhook to {event.details.get('name', '')}.",
    "webhook.deleted": lambda event: f"Deleted a webhook to {event.details.get('name', '')}.",
    "resource.renamed": _renamed,
    "run.aborted": lambda event: f"Aborted {_subject(event)}.",
    "run.resurrected": lambda event: f"Resurrected {_subject(event)}.",
    "run.rebooted": lambda event: f"Rebooted {_subject(event)}.",
    "run.metamorphed": lambda event: f"Turned {_subject(event)} into a run of another Actor.",
    "build.aborted": lambda event: f"Aborted {_subject(event)}.",
    "actor.approved": lambda event: f"Approved {_subject(event)} for full permissions.",
    "actor.approval_withdrawn": lambda event: f"Withdrew the approval of {_subject(event)}.",
    "actor.permission_level_changed": lambda event: (
        f"Gave {_subject(event)} {'limited' if event.details.get('after') == LIMITED else 'full'} permissions."
    ),
    "storage.creator_access_ended": lambda event: (
        f"Ended what the Actor that created {_subject(event)} may do with it."
    ),
    "account.limits_new_actors.changed": _switched(
        "New Actors have limited permissions.", "New Actors have full permissions."
    ),
    "account.skips_actor_approvals.changed": _switched(
        "Actors of others start without an approval.", "Actors of others that want full permissions need an approval."
    ),
    "actor.published": lambda event: f"Published {_subject(event)}.",
    "actor.unpublished": lambda event: f"Made {_subject(event)} private.",
    "actor.version_added": _version("Added version {1} to {0}."),
    "actor.version_changed": _version("Changed version {1} of {0}."),
    "actor.version_removed": _version("Removed version {1} of {0}."),
    "actor.environment_changed": _version("Changed the environment variables of version {1} of {0}."),
    "actor.tag_moved": lambda event: f"Moved the tag {event.details.get('tag', '')} of {_subject(event)}.",
    "resource.deleted": lambda event: f"Deleted {_subject(event)}.",
}
