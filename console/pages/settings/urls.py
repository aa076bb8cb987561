"""The addresses of the settings pages. The names with `account_` and `mfa_` are those that django-allauth looks for."""

from django.urls import include, path

from console.pages.settings import account as settings_account
from console.pages.settings import activity as settings_activity
from console.pages.settings import security as settings_security
from console.pages.settings import tokens as settings_tokens
from console.pages.settings import two_factor as settings_two_factor
from console.pages.settings.organization import urls as organization_urls

urlpatterns = [
    path("", settings_account.account, name="settings"),
    path("/organization", include(organization_urls.of_organization)),
    path("/email", settings_account.email, name="account_email"),
    path("/notifications", settings_account.notifications, name="settings-notifications"),
    path("/activity", settings_activity.activity, name="settings-activity"),
    path("/security", settings_security.security, name="settings-security"),
    path("/security/general-access", settings_security.account_general_access, name="settings-general-access"),
    path("/security/run-sharing", settings_security.run_sharing, name="settings-run-sharing"),
    path("/security/pre-signed-links", settings_security.pre_signed_links, name="settings-pre-signed-links"),
    path("/security/reader-links", settings_security.reader_links, name="settings-reader-links"),
    path("/security/actors", settings_security.actors, name="settings-actors"),
    path(
        "/security/actors/<str:actor_id>/withdraw",
        settings_security.withdraw_approval,
        name="settings-approval-withdraw",
    ),
    path("/security/sessions/<int:session_id>/end", settings_security.end_session, name="settings-session-end"),
    path("/security/sessions/end-others", settings_security.end_other_sessions, name="settings-sessions-end-others"),
    path("/security/password", settings_security.change_password, name="account_change_password"),
    path("/security/password/set", settings_security.set_password, name="account_set_password"),
    path("/security/two-factor", settings_two_factor.overview, name="mfa_index"),
    path("/security/two-factor/app", settings_two_factor.activate_app, name="mfa_activate_totp"),
    path("/security/two-factor/app/remove", settings_two_factor.deactivate_app, name="mfa_deactivate_totp"),
    path("/security/two-factor/codes", settings_two_factor.view_codes, name="mfa_view_recovery_codes"),
    path("/security/two-factor/codes/new", settings_two_factor.generate_codes, name="mfa_generate_recovery_codes"),
    path("/security/two-factor/codes/file", settings_two_factor.download_codes, name="mfa_download_recovery_codes"),
    path("/security/passkeys", settings_two_factor.overview, name="mfa_list_webauthn"),
    path("/security/passkeys/add", settings_two_factor.add_passkey, name="mfa_add_webauthn"),
    path("/security/passkeys/<int:pk>/rename", settings_two_factor.rename_passkey, name="mfa_edit_webauthn"),
    path("/security/passkeys/<int:pk>/remove", settings_two_factor.remove_passkey, name="mfa_remove_webauthn"),
    path("/integrations", settings_tokens.tokens_page, name="settings-integrations"),
    path("/integrations/<str:token_id>", settings_tokens.token_page, name="settings-token"),
    path("/integrations/<str:token_id>/edit", settings_tokens.edit, name="settings-token-edit"),
    path("/integrations/<str:token_id>/rotate", settings_tokens.rotate, name="settings-token-rotate"),
    path(
        "/integrations/<str:token_id>/end-former-texts",
        settings_tokens.end_former_texts,
        name="settings-token-end-former-texts",
    ),
    path("/integrations/<str:token_id>/revoke", settings_tokens.revoke, name="settings-token-revoke"),
]
