"""The charset that a content type declares, and the codec of Python that reads and writes it."""

import codecs
import encodings
import encodings.aliases
import pkgutil

from resources.records.content_types import parse_parameter

# Codecs of Python that turn text into other text: no charset is called like that.
_NO_CHARSETS = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"})
# Names on the web for what Python calls otherwise.
_OTHER_NAMES = {
    "iso_8859_8_e": "iso8859_8",
    "iso_8859_8_i": "iso8859_8",
    "windows_31j": "cp932",
    "windows_874": "cp874",
    "x_gbk": "gbk",
    "x_mac_cyrillic": "mac_cyrillic",
    "x_sjis": "cp932",
}
# Known beforehand, because Python remembers for ever each name that it has looked for in vain.
_NAMES = {
    **{name: name for _, name, _ in pkgutil.iter_modules(encodings.__path__)},
    **encodings.aliases.aliases,
    **_OTHER_NAMES,
}
# Without a byte order mark these are little-endian, as browsers have it. With one, it says what they are.
_WITH_MARK = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}


class UnknownCharset(LookupError):
    """A charset for which Python has no codec. Its text is the name."""


def declared_charset(content_type: str) -> str:
    """Return the name of the charset that a content type declares, as it is written there, "" where it does not."""
    return parse_parameter(content_type, "charset").strip()


def find_codec(charset: str) -> codecs.CodecInfo:
    """Return the codec of a charset; that of UTF-8 for "".

    Raises:
        UnknownCharset: when Python has none.
    """
    name = _NAMES.get(encodings.normalize_encoding(charset or "utf-8").lower(), "")
    try:
        found = codecs.lookup(name)
    except LookupError:
        raise UnknownCharset(charset) from None
    if name in _NO_CHARSETS or not found._is_text_encoding:  # compression and the like
        raise UnknownCharset(charset)
    return found


def decode(data: bytes, charset: str, *, is_whole: bool = True) -> tuple[str, bool]:
    """Return the text that bytes are in a charset, and whether all of them are text in it; else U+FFFD stands for some.

    Where `is_whole` is not set, the bytes may end within a character, which is left out.

    Raises:
        UnknownCharset: when Python has no codec for it.
    """
    codec = find_codec(charset)
    marks = _WITH_MARK.get(codec.name)
    if marks and not data.startswith(marks):
        codec = codecs.lookup(f"{codec.name}-le")
    assert codec.incrementaldecoder is not None  # noqa: S101  # all that are charsets have one
    try:
        return codec.incrementaldecoder("strict").decode(data, is_whole), True
    except UnicodeError:
        return codec.incrementaldecoder("replace").decode(data, is_whole), False


def encode(text: str, charset: str) -> bytes:
    """Return a text as bytes in a charset.

    Raises:
        UnknownCharset: when Python has no codec for it.
        UnicodeEncodeError: when it lacks one of the characters.
    """
    return find_codec(charset).encode(text)[0]
