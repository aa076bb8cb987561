"""Records in other charsets than UTF-8: shown and typed in the one that their content type declares."""

import encodings

import pytest

from console.pages.key_value_stores import preview as store_preview
from console.pages.key_value_stores.preview import build_preview
from resources.kinds import Kind
from resources.records import charsets
from resources.records.content_types import parse_parameter
from resources.records.reading import find
from resources.records.writing import write

pytestmark = pytest.mark.django_db
CZECH, RUSSIAN, JAPANESE = "Žluťoučký kůň", "Съешь же ещё", "日本語のテキスト"
CHARSETS = [
    ("windows-1250", CZECH),
    ("ISO-8859-2", CZECH),
    ("x-mac-cyrillic", RUSSIAN),
    ("koi8-r", RUSSIAN),
    ("IBM866", RUSSIAN),
    ("Shift_JIS", JAPANESE),
    ("x-sjis", JAPANESE),
    ("euc-jp", JAPANESE),
    ("ISO-2022-JP", JAPANESE),
    ("gb18030", JAPANESE),
    ("utf-16", CZECH),
    ("UTF-16BE", CZECH),
    ("utf-32", CZECH),
    ("utf-7", CZECH),
    ("us-ascii", "plain"),
    ("", CZECH),
]


@pytest.fixture
def store(ada, make_resource):
    return make_resource(Kind.KEY_VALUE_STORE, ada)


@pytest.fixture
def shown(store):
    """Write a record, and return its preview."""

    def show(content: bytes, content_type: str) -> store_preview.Preview:
        return build_preview(write(store.pk, "x", [content], content_type=content_type))

    return show


@pytest.mark.parametrize("type_", ["text/plain", "text/csv", "application/json", "application/ld+json"])
@pytest.mark.parametrize(("charset", "text"), CHARSETS)
def test_what_python_can_decode_is_decoded(shown, charset, text, type_):
    text = f'"{text}"'
    content_type = f'{type_}; header=present;charset="{charset}"' if charset else type_
    preview = shown(charsets.encode(text, charset), content_type)
    assert (preview.text, preview.note, preview.is_cut) == (text, "", False)


@pytest.mark.parametrize("charset", ["utf-16", "utf-32"])
def test_without_a_byte_order_mark_the_little_end_comes_first(shown, charset):
    assert shown(CZECH.encode(f"{charset}-le"), f"text/plain; charset={charset}").text == CZECH
    assert shown(CZECH.encode(charset), f"text/plain; charset={charset}").text == CZECH


@pytest.mark.parametrize("charset", ["x-nonsense", "zlib", "base64", "rot13", "punycode", "unicode_escape", "aliases"])
@pytest.mark.parametrize("type_", ["text/plain", "application/json"])
def test_what_python_cannot_decode_is_said_to_be_shown_as_utf8(shown, charset, type_):
    preview = shown(f'"{CZECH}"'.encode(), f"{type_}; charset={charset}")
    assert preview.text == f'"{CZECH}"'
    assert preview.note == f"The charset “{charset}” is not known here, so this is shown as if it were UTF-8."


def test_names_that_there_are_not_leave_nothing_behind(shown):
    shown(b"x", "text/plain; charset=x-nonsense-1")
    before = len(encodings._cache)
    shown(b"x", "text/plain; charset=x-nonsense-2")
    assert len(encodings._cache) == before


@pytest.mark.parametrize(
    ("content", "charset", "text", "named"),
    [
        (b"caf\xe9", "", "caf\ufffd", "UTF-8"),
        (b"caf\xe9", "us-ascii", "caf\ufffd", "us-ascii"),
        (b"\x81!", "windows-1252", "\ufffd!", "windows-1252"),
        (b"a\x00b", "UTF-16LE", "a\ufffd", "UTF-16LE"),
    ],
)
@pytest.mark.parametrize("type_", ["text/plain", "application/json"])
def test_what_is_not_in_the_charset_is_said_to_be_missing(shown, content, charset, text, named, type_):
    preview = shown(content, f"{type_};charset={charset}" if charset else type_)
    assert (preview.text, preview.note) == (text, f"Not all of this is {named}: � stands for what is not.")


@pytest.mark.parametrize(("charset", "text"), CHARSETS)
def test_the_beginning_of_something_long_ends_with_a_whole_character(shown, monkeypatch, charset, text):
    encoded = charsets.encode(text, charset)
    for most in range(8, len(encoded)):
        monkeypatch.setattr(store_preview, "MAX_BYTES", most)
        preview = shown(encoded, f"text/plain;charset={charset}" if charset else "text/plain")
        assert text.startswith(preview.text)
        assert (preview.note, preview.is_cut) == ("", True)


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/plain", ""),
        ("text/plain; charset=utf-8", "utf-8"),
        ("text/plain;CHARSET=Latin1;charset=utf-8", "Latin1"),
        ('text/plain; title="a;charset=utf-16"; charset="latin1"', "latin1"),
        (r'text/plain; charset="lat\in1"', "latin1"),
        ('text/plain; charset=""', ""),
        ("text/plain; xcharset=latin1", ""),
    ],
)
def test_the_charset_that_a_type_declares(content_type, charset):
    assert parse_parameter(content_type, "charset") == charset


# Typed in


@pytest.mark.parametrize("charset", ["windows-1250", "utf-16", "UTF-8"])
def test_a_text_is_stored_in_the_charset_of_its_type(ada, signed_in, store, shown, charset):
    typed = {"key": "x", "text": CZECH, "content_type": f"text/plain; charset={charset}"}
    assert signed_in(ada).post(f"{store.console_path}/upload", typed).status_code == 302
    assert build_preview(find(store.pk, "x")).text == CZECH


@pytest.mark.parametrize(
    ("charset", "field", "message"),
    [
        ("us-ascii", "text", "There is no “Ž” in us-ascii, which the content type declares."),
        ("x-nonsense", "content_type", "The charset “x-nonsense” is not known here. Text can be in UTF-8."),
    ],
)
def test_a_text_that_its_charset_lacks_is_refused(ada, signed_in, store, charset, field, message):
    typed = {"key": "x", "text": CZECH, "content_type": f"text/plain; charset={charset}"}
    response = signed_in(ada).post(f"{store.console_path}/upload", typed)
    assert response.context["form"].errors == {field: [message]}
    assert find(store.pk, "x") is None
