"""The addresses of organizations: those of a person, and the settings of the one that is acted for."""

from django.urls import path

from console.pages.settings.organization import roles, settings, yours

of_person = [
    path("organizations", yours.list_organizations, name="organizations"),
    path("organizations/new", yours.create, name="new-organization"),
    path("organizations/switch", yours.switch, name="switch-account"),
    path("organizations/invitations/<str:invitation_id>/accept", yours.accept, name="accept-invitation"),
    path("organizations/invitations/<str:invitation_id>/decline", yours.decline, name="decline-invitation"),
]
of_organization = [
    path("", settings.overview, name="settings-organization"),
    path("/rename", settings.rename, name="settings-organization-rename"),
    path("/leave", settings.leave, name="settings-organization-leave"),
    path("/hand-over", settings.hand_over, name="settings-organization-hand-over"),
    path("/delete", settings.delete, name="settings-organization-delete"),
    path("/invite", settings.invite, name="settings-organization-invite"),
    path(
        "/invitations/<str:invitation_id>/revoke",
        settings.revoke_invitation,
        name="settings-organization-revoke-invitation",
    ),
    path("/members/<str:person_id>/role", settings.change_role, name="settings-organization-member-role"),
    path("/members/<str:person_id>/remove", settings.remove, name="settings-organization-member-remove"),
    path("/roles", roles.matrix, name="settings-organization-roles"),
    path("/roles/add", roles.add, name="settings-organization-role-add"),
    path("/roles/<str:role_id>/remove", roles.remove, name="settings-organization-role-remove"),
]
