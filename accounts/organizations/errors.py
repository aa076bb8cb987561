"""Why something cannot be done with an organization: `type` is one of the API's error types, the message a sentence."""


class OrganizationError(Exception):
    """A change of an organization that is refused."""

    def __init__(self, type_: str, message: str) -> None:
        super().__init__(message)
        self.type = type_


class NotPermitted(OrganizationError):
    """The principal's role does not allow it."""

    def __init__(self, message: str) -> None:
        super().__init__("insufficient-permissions", message)


class RoleNotFound(OrganizationError):
    """The organization has no such role."""

    def __init__(self) -> None:
        super().__init__("organization-role-not-found", "The organization has no such role.")


class NotMember(OrganizationError):
    """The user is no member of the organization."""

    def __init__(self) -> None:
        super().__init__("user-is-not-member-of-organization", "The user is not a member of the organization.")


class InvitationGone(OrganizationError):
    """There is no such invitation any more."""

    def __init__(self) -> None:
        super().__init__("record-not-found", "There is no such invitation any more.")
