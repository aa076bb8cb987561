"""Templates of what webhooks send."""

import json

import pytest

from resources.webhooks import templates
from resources.webhooks.templates import BadTemplate

VARIABLES = {
    "userId": "u1",
    "eventData": {"actorId": "a1"},
    "resource": {"name": 'x", "admin": true, "y": "', "list": [1, {"a": None}], "on": True, "note": "{{userId}}"},
}


def filled(template: str, *, in_strings: bool = False):
    return json.loads(templates.payload(template, VARIABLES, in_strings=in_strings))


@pytest.mark.parametrize(
    "template",
    [
        "{",
        "nonsense",
        '{"a": {{a.}}}',
        '{"a": {{}}}',
        '{"a": {{a b}}}',
        "{{a}} {{b}}",
        '{"a": {{userId}}',
        "x" * 20_001,
        '"\x00"',
        "[" * 5000 + "]" * 5000,
        '{"unended: {{userId}}}',
    ],
)
def test_what_is_no_template(template):
    with pytest.raises(BadTemplate):
        templates.check_payload(template)


@pytest.mark.parametrize(
    "template",
    [
        "[]",
        '"x"',
        '{"a b": "c"}',
        '{"": "c"}',
        '{"a": "b\\r\\nX: y"}',
        '{"a\\r\\nb": "c"}',
        '{"a": "☃"}',
        '{"a": "' + "x" * 4001 + '"}',
        json.dumps({f"x{at}": "" for at in range(51)}),
    ],
)
def test_what_are_no_headers(template):
    with pytest.raises(BadTemplate):
        templates.check_headers(template)


def test_what_a_run_says_becomes_no_header():
    with pytest.raises(BadTemplate):
        templates.headers('{"X-Said": {{said}}}', {"said": "a\r\nX-Admin: 1"}, in_strings=False)


def test_the_default():
    assert filled("") == {
        "userId": "u1",
        "createdAt": None,
        "eventType": None,
        "eventData": {"actorId": "a1"},
        "resource": VARIABLES["resource"],
    }


def test_values_stay_values_whatever_they_hold():
    assert filled('{"a": {{resource.name}}, "b": {{ resource.list.1.a }}}') == {
        "a": 'x", "admin": true, "y": "',
        "b": None,
    }
    assert filled('{"a": "{{resource.name}}"}', in_strings=True) == {"a": 'x", "admin": true, "y": "'}


def test_variables_that_lead_nowhere():
    found = filled("[{{nothing}}, {{resource.list.7}}, {{resource.list.x}}, {{userId.x}}, {{resource.on}}]")
    assert found == [None, None, None, None, True]


def test_strings_are_left_alone_unless_told_otherwise():
    template = '{"{{userId}}": "by {{userId}} \\" {{userId}}", "b": {{userId}}}'
    assert filled(template) == {"{{userId}}": 'by {{userId}} " {{userId}}', "b": "u1"}
    assert filled(template, in_strings=True) == {"u1": 'by u1 " u1', "b": "u1"}


def test_within_strings_everything_is_text():
    template = '"{{eventData}} {{resource.on}} {{resource.list.0}} {{nothing}}."'
    assert filled(template, in_strings=True) == '{"actorId": "a1"} true 1 .'


def test_what_a_variable_brings_is_not_looked_through_again():
    assert filled('["{{resource.note}}", {{resource.note}}]', in_strings=True) == ["{{userId}}", "{{userId}}"]


def test_headers():
    template = (
        '{"Authorization": "Bearer {{userId}}", "host": "evil", "X-Apify-Webhook": "y", "X-N": 5, "X-None": null}'
    )
    found = templates.headers(template, VARIABLES, in_strings=True)
    assert found == {"Authorization": "Bearer u1", "X-N": "5", "X-None": ""}
    assert templates.headers(" ", VARIABLES, in_strings=False) == {}
