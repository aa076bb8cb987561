"""The share dialog, through HTTP: who may see and change what, with the script and without it."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AccountGeneralAccess, AuditEvent
from resources.kinds import KINDS, Kind
from resources.models import GeneralAccess
from sharing import grants
from sharing.issues import issues
from sharing.models import Grant, Issue
from sharing.permissions import NOTHING, Permission
from sharing.visibility.labels import format_moment
from tests.support.clock import standing_at

READ, WRITE, MANAGE = Permission.READ, Permission.WRITE, Permission.MANAGE_ACCESS_RIGHTS
HTMX = {"HX-Request": "true"}


@pytest.fixture
def dataset(ada, make_resource):
    return make_resource(Kind.DATASET, ada, name="prices")


@pytest.fixture
def run_on_issue(ada, dan, make_resource):
    """A run of ada's that is attached to an issue on dan's Actor, and the issue."""
    actor = make_resource(Kind.ACTOR, dan, name="shop", is_public=True)
    run = make_resource(Kind.RUN, ada, actor=actor)
    issue = Issue.objects.create(actor=actor, author=ada, title="Prices missing")
    issues.attach_run(issue, run, by=ada.principal)
    return run, issue


def address(resource, *more: str) -> str:
    return "/".join([f"{resource.console_path}/share", *more])


def held(resource, account) -> Permission:
    return Permission(
        Grant.objects.filter(resource=resource, account=account).values_list("permissions", flat=True).first()
        or NOTHING
    )


def text_of(response) -> str:
    """What a person reads in a page or a part of one, without markup."""
    without_tags = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", unescape(without_tags))


# Refusals


CHANGES = [
    ((), {"who": "dan"}),
    (("people", "ben"), {"permissions": ["WRITE"]}),
    (("people", "ben", "remove"), {}),
    (("undo",), {"removed": "x"}),
    (("general-access",), {"general_access": "RESTRICTED"}),
]


@pytest.mark.parametrize(("path", "data"), CHANGES)
@pytest.mark.parametrize(("permissions", "status"), [((), 404), (("READ",), 403), (("WRITE",), 403)])
def test_who_does_not_manage_changes_nothing(path, data, permissions, status, dataset, ben, cleo, dan, give, signed_in):
    dataset.owner.general_access = "RESTRICTED"
    dataset.owner.save()
    give(dataset, ben)
    if permissions:
        give(dataset, cleo, *permissions)
    before = sorted(Grant.objects.values_list("account_id", "permissions"))
    url = address(dataset, *(ben.pk if part == "ben" else part for part in path))
    assert signed_in(cleo).post(url, data).status_code == status
    assert signed_in(cleo).post(url, data, headers=HTMX).status_code == status
    assert sorted(Grant.objects.values_list("account_id", "permissions")) == before
    dataset.refresh_from_db()
    assert dataset.general_access == "FOLLOW_USER_SETTING"


def test_nobody_is_led_through_sign_in(dataset, client):
    response = client.get(address(dataset))
    assert response.status_code == 302
    assert response["Location"] == f"/sign-in?next={address(dataset)}"


def test_a_form_without_its_csrf_token_is_refused(dataset, ada, ben, signed_in):
    client = signed_in(ada)
    client.handler.enforce_csrf_checks = True
    assert client.post(address(dataset), {"who": "ben"}).status_code == 403
    assert held(dataset, ben) == NOTHING


def test_whoever_does_not_manage_sees_the_owner_and_their_own_access_only(dataset, ben, cleo, give, signed_in):
    give(dataset, ben, "WRITE")
    give(dataset, cleo)
    shown = text_of(signed_in(ben).get(address(dataset)))
    assert "ada owner" in shown
    assert "ben (you) can read and write shared by ada" in shown
    assert "cleo" not in shown
    assert "Add user" not in shown
    assert "General access" not in shown
    assert "Remove" not in shown
    assert "Give up access" in shown


@pytest.mark.parametrize("htmx", [{}, HTMX])
def test_an_unknown_person_keeps_the_text_and_gets_the_error_beside_the_field(dataset, ada, signed_in, htmx):
    response = signed_in(ada).post(address(dataset), {"who": "n<o>body"}, headers=htmx)
    assert response.status_code == 422
    assert "No account found for “n<o>body”. Check the spelling, or ask them to sign up first." in text_of(response)
    assert 'value="n&lt;o&gt;body"' in response.content.decode()
    assert 'aria-invalid="true" aria-describedby="share-who-error"' in response.content.decode()


@pytest.mark.parametrize("who", ["", "   ", "\x00", "a" * 5000, "ben\x00", "@", "ada@example.com", "~ben", "me"])
def test_what_names_nobody_else_is_refused_in_words(dataset, ada, ben, signed_in, who):
    response = signed_in(ada).post(address(dataset), {"who": who})
    assert response.status_code == 422
    assert not Grant.objects.exists()


@pytest.mark.parametrize("permission", ["RUN", "read", "", "\x00", "MANAGE"])
def test_a_permission_that_the_kind_does_not_have_is_refused(dataset, ada, ben, give, signed_in, permission):
    response = signed_in(ada).post(address(dataset), {"who": "ben", "permissions": [permission]})
    assert response.status_code == 422
    assert held(dataset, ben) == NOTHING
    give(dataset, ben)
    signed_in(ada).post(address(dataset, "people", ben.pk), {"permissions": [permission]})
    assert held(dataset, ben) == READ


def test_a_manager_cannot_give_what_it_lacks_nor_change_itself(dataset, ben, cleo, give, signed_in):
    give(dataset, ben, "MANAGE_ACCESS_RIGHTS")
    client = signed_in(ben)
    response = client.post(address(dataset), {"who": "cleo", "permissions": ["WRITE"]})
    assert "You can give only permissions that you have yourself. Missing: WRITE." in text_of(response)
    client.post(address(dataset, "people", ben.pk), {"permissions": ["WRITE", "MANAGE_ACCESS_RIGHTS"]}, headers=HTMX)
    assert (held(dataset, ben), held(dataset, cleo)) == (READ | MANAGE, NOTHING)
    shown = client.get(address(dataset)).content.decode()
    assert re.search(r'value="WRITE"[^>]* disabled', shown)
    assert not re.search(r'value="MANAGE_ACCESS_RIGHTS"[^>]* disabled', shown)


def test_accounts_that_do_not_exist_are_looked_up_only_so_often(dataset, ada, ben, signed_in, settings):
    settings.LOOKUP_MISSES = 2
    client = signed_in(ada)
    statuses = [client.post(address(dataset), {"who": f"nobody{number}"}).status_code for number in range(4)]
    assert statuses == [422, 422, 429, 429]
    response = client.post(address(dataset), {"who": "ben"})
    assert response.status_code == 429
    assert 'value="ben"' in response.content.decode()
    assert held(dataset, ben) == NOTHING


def test_a_manager_cannot_remove_what_an_issue_gave(run_on_issue, ben, dan, give, signed_in):
    run, issue = run_on_issue
    give(run, ben, "MANAGE_ACCESS_RIGHTS")
    shown = signed_in(ben).get(address(run)).content.decode()
    assert "Remove dan" not in shown
    signed_in(ben).post(address(run, "people", dan.pk, "remove"), {"issue": issue.pk})
    assert Grant.objects.filter(account=dan, source="ISSUE").exists()


@pytest.mark.parametrize("sealed", ["", "x", "a:b:c", "\x00", "…"])
def test_a_made_up_undo_gives_nothing(dataset, ada, ben, signed_in, sealed):
    client = signed_in(ada)
    assert client.post(address(dataset, "undo"), {"removed": sealed}).status_code == 302
    assert client.get(address(dataset), {"removed": sealed}).status_code == 200
    assert not Grant.objects.exists()


def test_an_undo_works_for_nobody_else_and_nowhere_else(dataset, ada, ben, cleo, give, make_resource, signed_in):
    other = make_resource(Kind.DATASET, ada, name="other")
    give(dataset, ben)
    give(dataset, cleo, "MANAGE_ACCESS_RIGHTS")
    sealed = removed_by(signed_in(ada), dataset, ben)
    signed_in(ada).post(address(other, "undo"), {"removed": sealed})
    signed_in(cleo).post(address(dataset, "undo"), {"removed": sealed})
    assert held(dataset, ben) == held(other, ben) == NOTHING


@pytest.mark.parametrize("level", ["", "OPEN", "ANYONE_WITH_NAME_CAN_READ", "\x00"])
def test_an_impossible_level_is_refused(ada, make_resource, signed_in, level):
    unnamed = make_resource(Kind.DATASET, ada)
    response = signed_in(ada).post(address(unnamed, "general-access"), {"general_access": level}, headers=HTMX)
    assert response.status_code == 422
    unnamed.refresh_from_db()
    assert unnamed.general_access == "FOLLOW_USER_SETTING"


def test_giving_up_nothing_says_so(dataset, cleo, signed_in):
    response = signed_in(cleo).post(address(dataset, "give-up"), headers=HTMX)
    assert "You have no access of your own here to give up." in text_of(response)


@pytest.mark.parametrize("account_id", ["nobody", "0" * 17, "%00" * 17])
def test_a_person_who_is_not_there_is_said_to_be_gone(dataset, ada, signed_in, account_id):
    for more in ((), ("remove",)):
        response = signed_in(ada).post(
            address(dataset, "people", account_id, *more), {"permissions": ["READ"]}, headers=HTMX
        )
        assert "has no access here any more" in text_of(response)


def test_other_methods_are_refused(dataset, ada, signed_in):
    assert signed_in(ada).put(address(dataset)).status_code == 405
    refused = signed_in(ada).get(address(dataset, "undo"))
    assert (refused.status_code, refused["Allow"]) == (405, "POST")
    assert "<h1 data-problem>This address cannot be opened by itself</h1>" in refused.content.decode()


def test_what_is_too_long_is_refused_and_not_cut(dataset, ada, make_account, signed_in):
    response = signed_in(ada).post(address(dataset), {"who": "x" * 255}, headers=HTMX)
    assert response.status_code == 422
    assert "longer than any email: 255 characters" in text_of(response)


# What works


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_its_dialog_as_a_page_and_as_a_part(kind, ada, make_resource, signed_in):
    resource = make_resource(kind, ada)
    client = signed_in(ada)
    page, part = client.get(address(resource)), client.get(address(resource), headers=HTMX)
    assert "<html" in page.content.decode()
    assert "<html" not in part.content.decode()
    for response in (page, part):
        shown = text_of(response)
        assert f"Share {KINDS[kind].noun} {resource.pk}" in shown
        for label in ("Email, username or user ID", "Add user", "People with access", "General access", "Copy link"):
            assert label in shown
        assert resource.console_url in response.content.decode()
        assert re.findall(r'name="permissions" value="(\w+)"', response.content.decode()) == list(
            KINDS[kind].permissions
        )


def test_who_cannot_share_is_shown_the_access_and_not_offered_to_share(dataset, ben, give, signed_in):
    give(dataset, ben)
    page = signed_in(ben).get(address(dataset))
    assert "Access to dataset prices" in text_of(page)
    assert "Share dataset" not in text_of(page)


@pytest.mark.parametrize("htmx", [{}, HTMX])
def test_following_is_called_what_the_select_calls_it(dataset, ada, signed_in, htmx):
    client = signed_in(ada)
    client.post(address(dataset, "general-access"), {"general_access": "FOLLOW_USER_SETTING"})
    shown = client.post(
        address(dataset, "general-access"), {"general_access": "FOLLOW_USER_SETTING"}, headers=htmx, follow=True
    )
    label = "Follow your account setting (now: Anyone with ID can read)"
    assert f"General access stays as it was: {label}." in text_of(shown)


@pytest.mark.parametrize("who", ["ben", "BEN", " ben ", "Ben@Example.com", "the user ID"])
def test_adding_by_email_username_or_id(dataset, ada, ben, signed_in, who, django_capture_on_commit_callbacks):
    who = ben.pk if who == "the user ID" else who
    with django_capture_on_commit_callbacks(execute=True):
        response = signed_in(ada).post(address(dataset), {"who": who, "permissions": ["WRITE"]}, headers=HTMX)
    shown = text_of(response)
    assert "ben can read and write now." in shown
    assert "ben can read and write shared by you" in shown
    assert 'name="who" type="text" value=""' in response.content.decode()
    assert held(dataset, ben) == READ | WRITE
    assert [message.to for message in mail.outbox] == [[ben.email]]


def test_without_the_script_a_change_goes_back_to_the_page_which_says_what_happened(dataset, ada, ben, signed_in):
    response = signed_in(ada).post(address(dataset), {"who": "ben"}, follow=True)
    assert response.redirect_chain == [(address(dataset), 302)]
    assert "ben can read now." in text_of(response)


def test_adding_somebody_again_changes_nothing_and_says_so(dataset, ada, ben, give, signed_in):
    give(dataset, ben)
    written = AuditEvent.objects.count()
    for permissions in (["READ"], ["WRITE"]):
        response = signed_in(ada).post(address(dataset), {"who": "ben", "permissions": permissions}, headers=HTMX)
        assert "ben has access already and can read. Nothing was changed." in text_of(response)
    assert held(dataset, ben) == READ
    assert AuditEvent.objects.count() == written
    assert mail.outbox == []


def test_changing_permissions(dataset, ada, ben, give, signed_in):
    give(dataset, ben, "WRITE")
    url = address(dataset, "people", ben.pk)
    response = signed_in(ada).post(url, {"permissions": ["MANAGE_ACCESS_RIGHTS"]}, headers=HTMX)
    assert "ben can read and manage access now." in text_of(response)
    assert re.search(rf'id="person-{ben.pk}" tabindex="-1" data-focus', response.content.decode())
    assert held(dataset, ben) == READ | MANAGE
    signed_in(ada).post(url, {})
    assert held(dataset, ben) == READ


def test_removing_and_undoing_without_the_script(dataset, ada, ben, give, signed_in):
    give(dataset, ben, "WRITE")
    client = signed_in(ada)
    response = client.post(address(dataset, "people", ben.pk, "remove"), follow=True)
    assert "ben was removed. Undo" in text_of(response)
    assert held(dataset, ben) == NOTHING
    sealed = sealed_in(response)
    response = client.post(address(dataset, "undo"), {"removed": sealed}, follow=True)
    assert "ben has access again." in text_of(response)
    assert held(dataset, ben) == READ | WRITE


def test_removing_moves_on_to_the_next_row_and_at_the_end_to_the_one_before(dataset, ada, ben, cleo, give, signed_in):
    give(dataset, ben)
    give(dataset, cleo)
    client = signed_in(ada)
    after_ben = client.post(address(dataset, "people", ben.pk, "remove"), headers=HTMX).content.decode()
    assert re.findall(r'id="([^"]+)" tabindex="-1" data-focus', after_ben) == [f"person-{cleo.pk}"]
    after_cleo = client.post(address(dataset, "people", cleo.pk, "remove"), headers=HTMX).content.decode()
    assert re.findall(r'id="([^"]+)" tabindex="-1" data-focus', after_cleo) == [f"person-{ada.pk}"]


def test_undo_is_offered_only_to_who_may_give_it_again(dataset, ben, cleo, give, signed_in):
    give(dataset, ben, "MANAGE_ACCESS_RIGHTS")
    give(dataset, cleo, "WRITE")
    response = signed_in(ben).post(address(dataset, "people", cleo.pk, "remove"), headers=HTMX)
    assert "cleo was removed." in text_of(response)
    assert "Undo" not in text_of(response)


def test_giving_up_leads_away_who_cannot_read_any_more(dataset, ada, ben, give, signed_in):
    ada.general_access = AccountGeneralAccess.RESTRICTED
    ada.save()
    give(dataset, ben)
    response = signed_in(ben).post(address(dataset, "give-up"), headers=HTMX)
    assert response["HX-Redirect"] == "/shared"
    assert held(dataset, ben) == NOTHING
    give(dataset, ben)
    response = signed_in(ben).post(address(dataset, "give-up"), follow=True)
    assert response.redirect_chain == [("/shared", 302)]
    assert "You gave up your access to the dataset prices." in text_of(response)


def test_removing_oneself_is_giving_up(dataset, ada, ben, give, signed_in):
    ada.general_access = AccountGeneralAccess.RESTRICTED
    ada.save()
    give(dataset, ben, "MANAGE_ACCESS_RIGHTS")
    response = signed_in(ben).post(address(dataset, "people", ben.pk, "remove"), headers=HTMX)
    assert response["HX-Redirect"] == "/shared"
    assert held(dataset, ben) == NOTHING


def test_giving_up_lets_stay_who_can_still_read(dataset, ben, give, signed_in):
    give(dataset, ben, "MANAGE_ACCESS_RIGHTS")
    response = signed_in(ben).post(address(dataset, "give-up"), headers=HTMX)
    shown = text_of(response)
    assert "You gave up your access to the dataset prices. You can still read it." in shown
    assert "because anyone with its ID can read it" in shown
    assert "Add user" not in shown


def test_a_manager_has_only_give_up_on_its_own_row(dataset, ben, give, signed_in):
    give(dataset, ben, "WRITE", "MANAGE_ACCESS_RIGHTS")
    shown = signed_in(ben).get(address(dataset)).content.decode()
    row = shown[shown.index(f'id="person-{ben.pk}"') :].split("</li>")[0]
    assert "Give up access" in row
    assert "Change" not in row
    assert "Remove" not in row


def test_access_from_an_issue_is_named_and_ends_by_the_runs_owner(run_on_issue, ada, dan, signed_in):
    run, issue = run_on_issue
    client = signed_in(ada)
    assert "dan can read attached to issue 'Prices missing'" in text_of(client.get(address(run)))
    response = client.post(address(run, "people", dan.pk, "remove"), {"issue": issue.pk}, follow=True)
    assert not Grant.objects.exists()
    sealed = sealed_in(response)
    client.post(address(run, "undo"), {"removed": sealed})
    assert Grant.objects.get().issue == issue


def test_removing_a_grant_leaves_what_an_issue_gave(run_on_issue, ada, dan, give, signed_in):
    run, _ = run_on_issue
    give(run, dan, "WRITE")
    signed_in(ada).post(address(run, "people", dan.pk, "remove"))
    assert [grant.source for grant in Grant.objects.all()] == ["ISSUE"]


def test_access_from_elsewhere_says_from_where(run_on_issue, ada, ben, give, make_resource, signed_in):
    run, _ = run_on_issue
    dataset = make_resource(Kind.DATASET, ada, run=run)
    mine = make_resource(Kind.ACTOR, ada, name="prices-crawler")
    give(mine, ben, "VIEW_OWNER_RUNS")
    other = make_resource(Kind.RUN, ada, actor=mine)
    client = signed_in(ada)
    assert f"dan can read through the run {run.pk}, which is attached to issue 'Prices missing'" in text_of(
        client.get(address(dataset))
    )
    assert "ben can read through the Actor prices-crawler (view owner runs)" in text_of(client.get(address(other)))


@pytest.mark.parametrize(
    ("level", "sentence"),
    [
        ("RESTRICTED", "Only these people can read this dataset."),
        ("ANYONE_WITH_ID_CAN_READ", "Anyone who has its ID or its link can read this dataset."),
        (
            "ANYONE_WITH_NAME_CAN_READ",
            "Anyone who has its ID, its link or the name ada~prices can read this dataset.",
        ),
        (
            "FOLLOW_USER_SETTING",
            "Anyone who has its ID or its link can read this dataset, because it follows your account setting.",
        ),
    ],
)
def test_general_access_is_saved_and_said_in_one_sentence(dataset, ada, signed_in, level, sentence):
    dataset.general_access = "RESTRICTED" if level != "RESTRICTED" else "FOLLOW_USER_SETTING"
    dataset.save()
    client = signed_in(ada)
    response = client.post(address(dataset, "general-access"), {"general_access": level}, headers=HTMX)
    assert "General access is now:" in text_of(response)
    assert json.loads(response["HX-Trigger"]) == {"access-changed": {}, f"access-changed-{dataset.pk}": {}}
    dataset.refresh_from_db()
    assert dataset.general_access == level
    assert sentence in text_of(client.get(address(dataset)))


def test_general_access_names_the_run_that_it_follows(ada, make_resource, signed_in):
    run = make_resource(Kind.RUN, ada, general_access=GeneralAccess.RESTRICTED)
    dataset = make_resource(Kind.DATASET, ada, run=run)
    shown = text_of(signed_in(ada).get(address(dataset)))
    assert f"Only these people can read this dataset, because it follows its run {run.pk}." in shown
    assert "Follow the run (now: Restricted)" in shown
    run.general_access = GeneralAccess.FOLLOW_USER_SETTING
    run.save()
    shown = text_of(signed_in(ada).get(address(dataset)))
    assert f"because it follows its run {run.pk}, which follows your account setting." in shown


def test_a_manager_reads_whose_account_setting_it_is(dataset, ben, give, signed_in):
    give(dataset, ben, "MANAGE_ACCESS_RIGHTS")
    assert "because it follows ada's account setting" in text_of(signed_in(ben).get(address(dataset)))


def test_a_link_can_fill_in_whom_to_add(dataset, ada, ben, signed_in):
    response = signed_in(ada).get(address(dataset), {"add": "ben"})
    assert 'value="ben"' in response.content.decode()
    assert held(dataset, ben) == NOTHING


def test_the_dialogs_cost_does_not_grow_with_the_people(dataset, ada, make_account, give, signed_in):
    client = signed_in(ada)
    client.get(address(dataset))
    counts = []
    for number in range(5):
        give(dataset, make_account(f"person{number}"))
        with CaptureQueriesContext(connection) as queries:
            client.get(address(dataset))
        counts.append(len(queries))
    assert len(set(counts)) == 1


def removed_by(client, resource, account) -> str:
    """Remove a grantee and return what it takes to undo that."""
    response = client.post(address(resource, "people", account.pk, "remove"), headers=HTMX)
    return sealed_in(response)


def sealed_in(response) -> str:
    (sealed,) = re.findall(r'name="removed" value="([^"]+)"', response.content.decode())
    return str(sealed)


# Until when


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("end", "says"),
    [
        ({"end": "2"}, "Choose until when."),
        ({"end": "date"}, "Enter the last day of the access"),
        ({"end": "date", "end_date": "soon"}, "Enter the last day of the access"),
        ({"end": "date", "end_date": "9999-12-31"}, "Enter the last day of the access"),
        ({"end": "date", "end_date": "2020-01-01"}, "must be in the future"),
    ],
)
def test_an_end_that_is_none_is_refused_and_what_was_entered_stays(dataset, ada, ben, give, signed_in, end, says):
    client = signed_in(ada)
    response = client.post(address(dataset), {"who": "ben", **end})
    assert response.status_code == 422
    assert says in text_of(response)
    assert 'value="ben"' in response.content.decode()
    assert not Grant.objects.exists()
    give(dataset, ben)
    assert says in text_of(client.post(address(dataset, "people", ben.pk), end, headers=HTMX))
    assert Grant.objects.get().expires_at is None


@pytest.mark.parametrize("what", ["extend", "give-again"])
def test_nobody_extends_their_own_access_nor_a_stranger(dataset, ada, ben, cleo, give, signed_in, what):
    give(dataset, ben, "MANAGE_ACCESS_RIGHTS")
    grants.grant(dataset, cleo, READ, by=ada.principal, expires_at=timezone.now() + DAY)
    before = list(Grant.objects.order_by("pk").values())
    assert signed_in(cleo).post(address(dataset, "people", cleo.pk, what)).status_code == 403
    signed_in(ben).post(address(dataset, "people", ben.pk, what))
    assert signed_in(cleo).get(address(dataset, "people", cleo.pk, what)).status_code in (403, 405)
    signed_in(ada).get(address(dataset, "people", cleo.pk, what))
    assert list(Grant.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(("end", "days"), [("1", 1), ("7", 7), ("30", 30), ("90", 90), ("never", None), ("", None)])
def test_adding_for_some_days(dataset, ada, ben, signed_in, end, days):
    now = timezone.now()
    with standing_at(now):
        response = signed_in(ada).post(address(dataset), {"who": "ben", "end": end}, headers=HTMX)
    ends = Grant.objects.get().expires_at
    assert ends == (None if days is None else now + days * DAY)
    assert f"ben can read now{f', until {format_moment(ends)}' if ends else ''}." in text_of(response)


def test_adding_until_a_date_is_until_its_end(dataset, ada, ben, signed_in):
    signed_in(ada).post(address(dataset), {"who": "ben", "end": "date", "end_date": "2999-01-31"})
    assert Grant.objects.get().expires_at == datetime(2999, 2, 1, tzinfo=UTC)


def test_each_row_says_until_when_and_can_be_extended_with_one_click(dataset, ada, ben, cleo, give, signed_in):
    ends = timezone.now() + DAY
    grants.grant(dataset, ben, READ, by=ada.principal, expires_at=ends)
    give(dataset, cleo)
    page = signed_in(ada).get(address(dataset))
    assert f"can read until {format_moment(ends)}" in text_of(page)
    assert page.content.decode().count("/extend") == 2  # the form's two addresses, of ben's row alone
    assert f"can read until {format_moment(ends)}" in text_of(signed_in(ben).get(address(dataset)))
    response = signed_in(ada).post(address(dataset, "people", ben.pk, "extend"), headers=HTMX)
    assert f"ben can read now, until {format_moment(ends + 30 * DAY)}." in text_of(response)
    assert Grant.objects.get(account=ben).expires_at == ends + 30 * DAY


def test_the_page_that_emails_link_to_asks_and_changes_nothing(dataset, ada, ben, cleo, give, signed_in):
    ends = timezone.now() + DAY
    grants.grant(dataset, ben, READ, by=ada.principal, expires_at=ends)
    give(dataset, cleo)
    client = signed_in(ada)
    page = client.get(address(dataset, "people", ben.pk, "extend"))
    assert f"ben can read until {format_moment(ends)}." in text_of(page)
    assert Grant.objects.get(account=ben).expires_at == ends
    for nothing_to_extend in (cleo.pk, ada.pk, "0" * 17, "nobody"):
        response = client.get(address(dataset, "people", nothing_to_extend, "extend"))
        assert response["Location"] == address(dataset)
    response = client.post(address(dataset, "people", ben.pk, "extend"), follow=True)
    assert f"ben can read now, until {format_moment(ends + 30 * DAY)}." in text_of(response)


def test_saving_permissions_leaves_the_end_and_saving_an_end_moves_it(dataset, ada, ben, signed_in):
    ends = timezone.now() + DAY
    grants.grant(dataset, ben, READ, by=ada.principal, expires_at=ends)
    client = signed_in(ada)
    client.post(address(dataset, "people", ben.pk), {"permissions": ["WRITE"], "end": ""})
    assert (Grant.objects.get().expires_at, held(dataset, ben)) == (ends, READ | WRITE)
    client.post(address(dataset, "people", ben.pk), {"permissions": ["WRITE"], "end": "never"})
    assert Grant.objects.get().expires_at is None


def test_what_has_ended_is_shown_and_given_again_for_as_long(dataset, ada, ben, signed_in):
    now = timezone.now()
    with standing_at(now):
        grants.grant(dataset, ben, READ | WRITE, by=ada.principal, expires_at=now + 7 * DAY)
    client = signed_in(ada)
    with standing_at(now + 8 * DAY):
        text = text_of(client.get(address(dataset)))
        assert "Access that has ended" in text
        assert f"can read and write until {format_moment(now + 7 * DAY)} It has ended." in text
        response = client.post(address(dataset, "people", ben.pk, "give-again"), headers=HTMX)
        assert f"ben can read and write now, until {format_moment(now + 15 * DAY)}." in text_of(response)
        assert "has ended" not in text_of(response)
    with standing_at(now + 45 * DAY + timedelta(microseconds=1)):
        assert "has ended" not in text_of(client.get(address(dataset)))


def test_undo_gives_again_until_the_same_end(dataset, ada, ben, signed_in):
    ends = timezone.now() + DAY
    grants.grant(dataset, ben, READ, by=ada.principal, expires_at=ends)
    client = signed_in(ada)
    response = client.post(address(dataset, "people", ben.pk, "remove"), follow=True)
    client.post(address(dataset, "undo"), {"removed": sealed_in(response)})
    assert Grant.objects.get().expires_at == ends
