"""Secret input fields in a browser: choosing an Actor brings its password inputs, and no page shows a secret again."""

import json

from playwright.sync_api import expect

from resources.models import Task
from tests.support.factories import built_actor
from tests.support.secret_stage import PASSWORD, secret_actor, shows_no_secret


def test_a_task_is_made_and_changed_without_its_secret_ever_being_shown(open_page, ada, violations):
    secret_actor(ada)
    built_actor(ada, name="plain")
    page = open_page(ada, "/tasks/new")
    password = page.get_by_label("Password (optional)")
    page.get_by_label("Actor", exact=True).select_option(label="ada/plain")
    expect(password).to_have_count(0)
    page.get_by_label("Actor", exact=True).select_option(label="ada/shop")
    expect(password).to_have_attribute("type", "password")
    password.fill(PASSWORD)
    page.get_by_role("textbox", name="Input").fill('{"url": "https://example.com/"}')
    assert violations(page) == []
    page.get_by_role("button", name="Create").click()

    expect(page.get_by_role("heading", name="Input and options")).to_be_visible()
    assert shows_no_secret(page.content())
    assert violations(page) == []
    kept = json.loads(Task.objects.get().input)["password"]
    page.get_by_role("textbox", name="Input").fill('{"url": "https://example.org/"}')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. The next run gets this input")).to_be_visible()
    assert json.loads(Task.objects.get().input) == {"url": "https://example.org/", "password": kept}
