"""What an upgrade changed is said once: to the administrator at the start, to users on the dashboard."""

from io import StringIO

import pytest
from django.core.management import call_command

from accounts.deployment import upgrade_notices

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def texts(monkeypatch):
    monkeypatch.setattr(upgrade_notices, "TEXTS", {"links": ("Links ended", "{count} links of yours ended.")})


def test_a_user_sees_a_notice_until_it_is_closed(ada, ben, signed_in):
    upgrade_notices.record("links", ada.pk, count=3)
    browser = signed_in(ada)
    assert "3 links of yours ended." in browser.get("/").content.decode()
    assert "links of yours" not in signed_in(ben).get("/").content.decode()

    (notice,) = upgrade_notices.unseen(ada.pk)
    browser.post(f"/notices/{notice.pk}/close")

    assert "links of yours" not in browser.get("/").content.decode()


def test_a_user_cannot_close_the_notice_of_another(ada, cleo, signed_in):
    upgrade_notices.record("links", ada.pk, count=3)
    (notice,) = upgrade_notices.unseen(ada.pk)

    signed_in(cleo).post(f"/notices/{notice.pk}/close")

    assert upgrade_notices.unseen(ada.pk)


def test_a_closed_notice_does_not_come_again(ada):
    upgrade_notices.record("links", ada.pk, count=3)
    upgrade_notices.close(ada.pk)

    upgrade_notices.record("links", ada.pk, count=4)

    assert upgrade_notices.unseen(ada.pk) == []


def test_the_start_prints_the_administrators_notices_once(settings):
    upgrade_notices.record("links", count=7)

    first, second = StringIO(), StringIO()
    call_command("serve", "--prepare-only", stdout=first)
    call_command("serve", "--prepare-only", stdout=second)

    assert "7 links of yours ended." in first.getvalue()
    assert "links of yours" not in second.getvalue()


def test_a_key_without_a_text_is_an_error(ada):
    with pytest.raises(KeyError):
        upgrade_notices.record("unknown", ada.pk)
