"""The expression for the default memory: refusals first, then what Apify's own package computes (0.2.16)."""

import json

import pytest

from resources.models import Build, BuildContent, Run
from resources.runs import definitions, starting
from resources.runs.definitions import InvalidDefinition, read_memory
from resources.runs.memory_expressions import MAX_LENGTH, BadExpression, parse
from resources.runs.memory_values import CannotCompute
from resources.runs.options import RunOptions
from tests.support.api import data_of
from tests.support.factories import built_actor

INPUT = {"n": 3, "s": "full", "list": [1, 2, 3], "o": {"a": {"b": 700}}, "z": None, "t": True, "big": 10**400}
OPTIONS = {"timeoutSecs": 60, "maxItems": 10, "build": "latest"}

NO_EXPRESSIONS = [
    *["", "  ", ";", "512;", "1 2", "2 input.n", "1024 % 700", "sum(1, 2)", "(1, 2)", "input.n >= 3 ? 512 : 1024"],
    *[
        "0x400",
        "f(x) = x * 2; f(300)",
        "length",
        "+512",
        "5!",
        "1,2",
        "min()",
        "NaN",
        "1:5",
        "subtract(600, 1, 2)",
        "5.*1",
    ],
    *[
        "max(1,2,)",
        "()",
        "1 ? 2",
        "1024 + ;",
        "a ? 1 : 2",
        "!true",
        "true && false",
        "input = 3",
        "min = 3",
        "(a = 3) * 2",
    ],
    *[
        "512 # x",
        "{{foo}}",
        "{{input}}",
        "{{runOptions.foo}}",
        "input.list[1]",
        "input.list.0",
        "'a",
        '"a\\n"',
        "a = a",
        "*",
    ],
    *[
        "__import__('os')",
        "input.__class__()",
        "(lambda: 1)()",
        "evaluate('1')",
        "import os",
        "get",
        "{a: 1}.a",
        "\x00",
        "ä",
    ],
    *["(" * 31 + "1" + ")" * 31, "-" * 31 + "1", "1 ? " * 40 + "1" + " : 1" * 40, "1+" * 500 + "11", "not " * 40 + "1"],
]
NO_NUMBERS = [
    *[
        "input.s == 'full' ? 1024 : 512",
        "input.missing * 5",
        "input.missing.x",
        "'512'",
        "-5",
        "0",
        "input.s * 2",
        "1/0",
    ],
    *[
        "null * 5",
        "'b' > 'a' ? 1 : 2",
        "input.list == 3 ? 1 : 2",
        "input.o ? 1 : 2",
        "'a' and 1 ? 1 : 2",
        "[1, 2]",
        "max([])",
    ],
    *[
        "compareText(1, 'a')",
        "max(null, 200)",
        "get(input, 'list')",
        "0 ?? 512",
        "undefined",
        "true",
        "9^9^9^9",
        "input.big",
    ],
    *[
        "exp(1000)",
        "log(0)",
        "log(-1)",
        "'nan' * 1",
        "'1_0' * 1",
        "get(input, 1)",
        "0 / 0",
        "'inf' * 1",
        "input.z.a",
        "a = 3",
    ],
]
COMPUTED = [
    ("get(input, 'n', 1)*1024", 3072),
    ("{{input.n}} * 500 + {{ runOptions.maxItems }}", 1510),
    ("input.n > 2 ? 1024 : 512", 1024),
    ("compareText(input.s, 'full') == 0 and input.n > 2 ? 4096 : 256", 4096),
    ("input.o.a.b", 700),
    ("input['n'] * 512", 1536),
    ("memory = 64;\nget(input, 'list.length', 0) * memory", 192),
    ("a = 1; a = 2; a * 256", 512),
    ("512\n", 512),
    ("max(\n 1,\n 512)", 512),
    ("min(1024, max(128, input.n * 400))", 1024),
    ("max([1, 600])", 600),
    ("max('5', '600')", 600),
    ("2 ^ 3 ^ 2", 512),
    ("-2 ^ 2 + 600", 596),
    ("input.z ?? 512", 512),
    ("1 ?? 2 * 3 * 128", 384),
    ("input?.missing?.x ?? 512", 512),
    ("not input.t ? 256 : 2048", 2048),
    ("1 == 1 and 2 or 0 ? 256 : 512", 256),
    ("2 == 2 == 1 ? 512 : 256", 256),
    ("3 > 2 > 1 ? 512 : 256", 512),
    ("0.1 + 0.2 == 0.3 ? 512 : 256", 512),
    ("null == null ? 512 : 256", 512),
    ("input.missing == null ? 512 : 256", 256),
    ("'5' == 5 ? 512 : 256", 512),
    ("1 < 2 ? 512 : 1/0", 512),
    ("true ? false ? 1 : 512 : 256", 512),
    ("get(input, 'list.0') * 512", 512),
    ("get(input, 'list.-1', 512)", 512),
    ("get(input, 's.length', 1) * 128", 512),
    ("get(null, 'a', 512)", 512),
    ("true * 512 + 1e2 + .5", 612.5),
    ("ceil(1.2) * floor(2.9) * round(100.5) + round(1.25, 1)", 405.3),
    ("log(8, 2) * log10(1000) * exp(0) * 100", 900),
    ("xor(1, 1) + add(1, 2, 3) * multiply(2, 3) - subtract(9, 8) + divide(8, 2)", 39),
    ("unequal(1, 2) ? equal(1, 1) * 512 : 2", 512),
    ("nullish(null, or(1, 0) * 512)", 512),
]


@pytest.mark.parametrize("text", NO_EXPRESSIONS)
def test_what_is_no_expression_is_refused_in_one_sentence_when_it_is_built(text):
    with pytest.raises(BadExpression):
        parse(text)
    if text:
        with pytest.raises(
            InvalidDefinition, match=r"\AdefaultMemoryMbytes of the definition cannot be computed: .*\.\Z"
        ):
            read_memory({"defaultMemoryMbytes": text}).check()


def test_what_is_too_long_is_refused():
    assert parse("1" + "+1" * 499)({}, {}) == 500
    with pytest.raises(BadExpression, match="1000"):
        parse("1" * (MAX_LENGTH + 1))


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_gives_no_number_leaves_the_choice_to_the_actor(text):
    with pytest.raises(CannotCompute):
        parse(text)(INPUT, OPTIONS)


@pytest.mark.parametrize(("text", "expected"), COMPUTED)
def test_an_expression_is_computed(text, expected):
    assert parse(text)(INPUT, OPTIONS) == pytest.approx(expected)


# Runs


def defined(account, **definition):
    actor = built_actor(account, name="sized")
    content, _ = BuildContent.objects.get_or_create(build=Build.objects.get(actor_id=actor.pk))
    content.definition = json.dumps(definition)
    content.save()
    return actor


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("expression", "given", "expected"),
    [
        ("get(input, 'urls.length', 1) * 512", {"urls": [1, 2, 3, 4]}, 2048),
        ("get(input, 'urls.length', 1) * 512", {"urls": [1, 2]}, 1024),
        ("724", {}, 512),
        ("725", {}, 1024),
        ("1", {}, 256),  # the least
        ("10 ^ 9", {}, 4096),  # the most
        ("input.urls * 2", {"urls": "many"}, 1024),  # the Actor's own
        ("no such language", {}, 1024),  # built before it was looked at
        ("runOptions.maxItems * 100", {}, 512),
        ("runOptions.memoryMbytes * 2", {}, 2048),
    ],
)
def test_a_run_has_the_nearest_power_of_two_within_the_limits(ada, api, expression, given, expected):
    actor = defined(ada, defaultMemoryMbytes=expression, minMemoryMbytes=256, maxMemoryMbytes=4096)
    body = {"content_type": "application/json"}
    made = data_of(api(ada).post(f"/v2/actors/{actor.pk}/runs?maxItems=5", json.dumps(given), **body))
    run = Run.objects.get(pk=made["id"])
    assert (run.memory_mbytes, run.disk_mbytes) == (expected, 2 * expected)


@pytest.mark.django_db
def test_what_is_asked_for_holds_and_the_page_leaves_the_field_empty(ada, signed_in):
    actor = defined(ada, defaultMemoryMbytes="get(input, 'n', 1) * 256")
    run = starting.start(actor, by=ada.principal, options=RunOptions(memory_mbytes=4096))
    assert run.memory_mbytes == 4096
    no_json = starting.start(actor, by=ada.principal, input=b'{"n": 2}', content_type="text/plain")
    assert no_json.memory_mbytes == 256
    page = f"{actor.console_path}/start"
    assert signed_in(ada).get(page).context["form"]["memory_mbytes"].value() is None
    signed_in(ada).post(page, {"input": '{"n": 8}', "build": "latest", "timeout_secs": "60", "memory_mbytes": ""})
    assert Run.objects.order_by("-created_at").first().memory_mbytes == 2048
    assert not definitions.find_ignored({"defaultMemoryMbytes": "1"})
