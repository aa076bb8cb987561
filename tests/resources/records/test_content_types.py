"""Content types of records: which are served as they are, and that telling this takes no time, whatever they are."""

import subprocess
import sys

import pytest

from resources.records.content_types import ANY_BYTES, MAX_LENGTH, as_served, can_be_content_type

# Each begins as a content type does, goes on with what can be read in several ways, and ends as none does.
HOSTILE = [
    ("a/b;", " ;", "@"),
    ("a/b;", ";", "@"),
    ("a/b", " ", "@"),
    ("a/b;", "\t ", "@"),
    ("a/b;", "a=b;", "@"),
    ("a/b;", "a=b; ", "="),
    ("a/b;", " a=b ;", "@"),
    ("a/b;", 'a="b";', "@"),
    ("a/b;", 'a="b', "@"),
    ('a/b;a="', "\\\\", "@"),
    ('a/b;a="', '\\"', "@"),
    ("a/b;a=", "b", "@"),
    ("a/", "b", "@"),
    ("", "a", "@"),
    ("application/", "a+", "@"),
]


@pytest.mark.parametrize(("begin", "again", "end"), HOSTILE)
def test_no_content_type_takes_long(begin, again, end):
    """In a process of its own, which can be stopped: a regular expression that does not end cannot be."""
    text = begin + again * ((MAX_LENGTH - len(begin) - len(end)) // len(again)) + end
    code = (
        "import sys; from resources.records import content_types as types; text = sys.argv[1]; "
        "print(types.as_served(text), types.can_be_content_type(text), types.is_json(text))"
    )
    done = subprocess.run([sys.executable, "-c", code, text], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.startswith(ANY_BYTES)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/plain;",
        "text/plain ; charset=utf-8",
        "text/plain;charset=utf-8;;",
        "text/plain; ; charset=utf-8 ; \t",
        'text/plain; a="b;c, \\"d\\" \\\\"; e=f',
        "application/vnd.a+json; a=b",
    ],
)
def test_what_is_a_content_type_is_served_as_it_is(content_type):
    assert can_be_content_type(content_type)
    assert as_served(content_type) == content_type


@pytest.mark.parametrize(
    "content_type",
    ["text/plain;,text/html", "text/plain; a", "text/plain; a =b", 'text/plain; a="b', 'text/plain; a="b"c', "a/b;=c"],
)
def test_what_browsers_could_read_in_another_way_is_served_as_bytes(content_type):
    assert as_served(content_type) == ANY_BYTES
