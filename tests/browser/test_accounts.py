"""Accounts in a browser: from sign-up to a revoked token, and every page that needs no resource, looked at."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts import tokens
from accounts.lib.encryption import decrypt
from accounts.models import Account
from accounts.sign_up import invitations
from resources.kinds import Kind
from resources.models import Dataset
from sharing.declare import Requires, declared
from sharing.system_checks import iterate_views
from tests.support.api import ApiClient
from tests.support.browser import AXE_RULES, COLOUR_RULES
from tests.support.cast import PASSWORD
from tests.support.organizations import join, make_organization
from tests.support.sign_in import code_of, link_in_mail, verify

WIDTHS = [1280, 360]
RULES: dict[Literal["light", "dark"], list[str]] = {"light": AXE_RULES, "dark": COLOUR_RULES}
STILL = {"reduced_motion": "reduce"}  # no colour is on its way to another


def fill_in_sign_in(page: Page, login: str) -> None:
    page.get_by_label("Email or username").fill(login)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def fill_in_sign_up(page: Page, username: str, email: str) -> None:
    page.get_by_label("Username").fill(username)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()


# From signing up to a revoked token


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="account menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def open_settings(page: Page, tab: str) -> None:
    page.get_by_role("list", name="Account").get_by_role("link", name="Settings").click()
    page.get_by_role("navigation", name="Settings").get_by_role("link", name=tab).click()
    expect(page).to_have_title(f"{tab} · Latchkey")


def test_from_signing_up_to_a_revoked_token(open_page, db, mailoutbox, violations):
    page = open_page(None, "/")
    page.get_by_role("link", name="Sign up").click()
    fill_in_sign_up(page, "eve", "eve@example.com")
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    page.goto(link_in_mail())
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("button", name="eve, account menu", exact=True)).to_be_visible()
    sign_out(page)
    fill_in_sign_in(page, "eve@example.com")

    open_settings(page, "Security & Privacy")
    levels = page.get_by_role("group", name="General resource access")
    assert Account.objects.get().general_access != "RESTRICTED"
    levels.get_by_role("radio", name="Restricted").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("region", name="General resource access").get_by_role("status")).to_contain_text("Saved")
    assert Account.objects.get().general_access == "RESTRICTED"
    page.reload()
    expect(levels.get_by_role("radio", name="Restricted")).to_be_checked()

    open_settings(page, "Integrations")
    page.get_by_label("Name", exact=True).fill("nightly")
    page.get_by_role("button", name="Create token").click()
    made = page.get_by_role("region", name="The token nightly is made")
    expect(made).to_be_visible()
    assert violations(page) == []
    script = ApiClient(made.get_by_role("code").inner_text())
    assert script.get("/v2/users/me").json()["data"]["username"] == "eve"
    open_settings(page, "Integrations")
    expect(page.get_by_role("row", name="nightly")).to_be_visible()
    expect(made).to_have_count(0)

    page.get_by_role("link", name="Revoke nightly").click()
    dialog = page.get_by_role("dialog", name="Revoke the token nightly?")
    expect(dialog).to_be_visible()
    assert violations(page) == []
    dialog.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("No tokens yet.")).to_be_visible()
    assert script.get("/v2/users/me").status_code == HTTPStatus.UNAUTHORIZED


# How every page looks that needs no resource

NO_PAGE = {
    "healthz": "the answer is for machines",
    "livez": "the answer is for machines",
    "readyz": "the answer is for machines",
    "mfa_login_webauthn": "the answer is for the script of the sign-in page",
    "mfa_index": "leads to the page of security",
    "mfa_list_webauthn": "leads to the page of security",
    "mfa_download_recovery_codes": "a file",
    "settings-general-access": "leads to its section of the page of security",
    "settings-run-sharing": "leads to its section of the page of security",
    "settings-pre-signed-links": "leads to its section of the page of security",
    "settings-session-end": "takes a form only",
    "settings-sessions-end-others": "takes a form only",
    "settings-reader-links": "leads to its section of the page of security",
    "upgrade-notice-close": "takes a form only",
    "ask-for-access": "takes a form only",
    "schedule-preview": "a part of the pages of schedules",
    "switch-account": "takes a form only",
    "accept-invitation": "takes a form only",
    "decline-invitation": "takes a form only",
    "settings-organization-rename": "takes a form only",
    "settings-organization-invite": "takes a form only",
    "settings-organization-revoke-invitation": "takes a form only",
    "settings-organization-member-role": "takes a form only",
    "settings-organization-role-add": "takes a form only",
    "settings-organization-role-remove": "takes a form only",
    "settings-actors": "leads to its section of the page of security",
    "settings-approval-withdraw": "takes a form only",
    "settings-token-end-former-texts": "takes a form only",
}


@pytest.fixture
def ada(ada, make_resource, signed_in) -> Account:
    """Ada has something of everything that the settings show."""
    verify(ada)
    EmailAddress.objects.create(user=ada, email="ada@elsewhere.example", verified=False, primary=False)
    totp.TOTP.activate(ada, totp.generate_totp_secret())
    RecoveryCodes.activate(ada)
    tokens.create(ada, "nightly", by=ada.principal)
    signed_in(ada).get("/")
    make_resource(Kind.DATASET, ada, name="prices")
    return ada


@pytest.fixture
def ben(ben) -> Account:
    """Ben has just come by somebody's invitation: he has no password yet, and no second step."""
    ben.set_unusable_password()
    ben.save()
    return ben


@pytest.fixture
def people(open_page, ada, ben, cleo):
    """Open a page for everybody to whom pages differ.

    Nobody, somebody before the second step, Ada, Ben, and Cleo, who acts for an organization.
    """
    acme = make_organization(cleo)

    def open_() -> list[Page]:
        nobody, halfway, mine = (open_page(None, "/sign-in", **STILL) for _ in range(3))
        for page in (halfway, mine):
            fill_in_sign_in(page, "ada")
            expect(page.get_by_role("heading", name="Second step")).to_be_visible()
        mine.get_by_label("Code").fill(code_of(decrypt(Authenticator.objects.get(type="totp").data["secret"])))
        mine.get_by_role("button", name="Sign in", exact=True).click()
        expect(mine.get_by_role("navigation", name="Main")).to_be_attached()
        add_passkey(mine, "phone")
        boss = open_page(cleo, "/organizations", **STILL)
        boss.get_by_role("main").get_by_role("button", name=f"Switch to {acme}").click()
        expect(boss.get_by_role("button", name=f"{acme}, account menu")).to_be_attached()
        return [nobody, halfway, mine, open_page(ben, "/", **STILL), boss]

    return open_


def add_passkey(page: Page, name: str) -> None:
    """Add a passkey that is kept by a device which is not there."""
    device = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = {**device, "isUserVerified": True, "automaticPresenceSimulation": True}
    chromium = page.context.new_cdp_session(page)
    chromium.send("WebAuthn.enable")
    chromium.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto("/settings/security/passkeys/add")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("link", name=f"Rename {name}")).to_be_visible()


def places(ada: Account, new_password: str) -> dict[str, str]:
    """Return where every view is that needs no resource, by its name; `new_password` is the page of a reset link."""
    acme = Account.objects.get(username="acme")
    join(acme, ada)
    named = [pattern for route, pattern in iterate_views() if not route.startswith("v2/")]
    named = [p for p in named if not any(isinstance(need, Requires) for need in declared(p.callback).values())]
    values = {
        "key": EmailConfirmationHMAC(EmailAddress.objects.get(verified=False)).key,
        "pk": Authenticator.objects.get(type="webauthn").pk,
        "token_id": ada.api_tokens.get().pk,
        "session_id": 1,
        "actor_id": "0" * 17,
        "notice_id": 1,
        "person_id": ada.pk,
        "role_id": ada.pk,
        "invitation_id": ada.pk,
    }
    invitation = urlsplit(invitations.create("finn@example.com")[1]).path
    by_name = {"account_reset_password_from_key": new_password, "invited-sign-up": invitation}
    for pattern in named:
        assert pattern.name, f"{pattern} has no name to tell by that it is looked at"
        if pattern.name not in by_name:
            wanted = pattern.pattern.converters
            path = reverse(pattern.name, kwargs={name: values[name] for name in wanted})
            of_organization = pattern.name.startswith("settings-organization")
            by_name[pattern.name] = f"{path}?account={acme.pk}" if of_organization else path
    return by_name


def open_reset_link(page: Page, email: str) -> str:
    """Ask for a link that resets a password, open it, and return where it leads."""
    page.goto("/reset-password")
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    page.goto(link_in_mail())
    return urlsplit(page.url).path


def is_shown(page: Page, path: str) -> bool:
    """Whether a whole page is there for whoever is signed in in this browser, and leads nowhere else."""
    answer = page.request.get(path, max_redirects=0)
    return answer.status == HTTPStatus.OK and "<title>" in answer.text()


@pytest.fixture
def barriers(violations) -> Callable[[Page], list[str]]:
    """Return what is wrong with a page as it stands, at every width and in both colour schemes."""

    def find(page: Page) -> list[str]:
        problems = []
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            for scheme, rules in RULES.items():
                page.emulate_media(color_scheme=scheme)
                problems += [f"{page.url}, {scheme}, {width}: {found}" for found in violations(page, rules)]
            if page.evaluate("document.documentElement.scrollWidth") > width:
                problems.append(f"{page.url} is wider than {width} pixels")
        return problems

    return find


def test_no_page_without_a_resource_has_a_barrier_or_overflows(people, ada, barriers, mailoutbox):
    everybody = people()
    problems: list[str] = []
    hidden: set[str] = set()
    for name, path in places(ada, open_reset_link(everybody[0], ada.email)).items():
        seen_by = next((page for page in everybody if is_shown(page, path)), None)
        if seen_by is None:
            hidden.add(name)
        else:
            seen_by.goto(path)
            problems += barriers(seen_by)
    assert problems == []
    assert hidden == set(NO_PAGE)


def test_what_a_mistake_leads_to_has_no_barrier_or_overflow(open_page, ada, barriers):
    page = open_page(None, "/sign-in", **STILL)
    fill_in_sign_in(page, "nobody-of-this-name")
    expect(page.get_by_text("do not match")).to_be_visible()
    assert barriers(page) == []
    page.goto("/sign-up")
    fill_in_sign_up(page, "ada", "ada@example.com")
    expect(page.get_by_label("Username")).to_have_attribute("aria-invalid", "true")
    assert barriers(page) == []
    for path in ("/verify-email/wrong", f"/reset-password/{ada.pk}-wrong"):
        page.goto(path)
        expect(page.get_by_role("heading", name="This link does not work any more")).to_be_visible()
        assert barriers(page) == []


def test_no_dialog_of_a_dataset_has_a_barrier_or_overflows(open_page, ada, barriers):
    dataset = Dataset.objects.get()
    page = open_page(ada, "/", **STILL)
    for path, link in (
        ("/storage/datasets", "New dataset"),
        (dataset.console_path, "Rename"),
        (dataset.console_path, "Delete"),
        (dataset.console_path, "API"),
    ):
        page.goto(path)
        page.get_by_role("link", name=link, exact=True).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert barriers(page) == [], link
    for step in ("", "/rename", "/delete", "/api"):
        page.goto(dataset.console_path + step)
        assert barriers(page) == [], step
