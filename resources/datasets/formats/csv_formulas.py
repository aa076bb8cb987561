"""Keeps a spreadsheet from taking what a user stored for a formula, by an apostrophe before it."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator

_NUMBER = re.compile(rb"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\Z")
_STARTS_FORMULA = (b"=", b"+", b"-", b"@", b"\t", b"\r")


def without_formulas(pieces: Iterable[bytes], delimiter: str) -> Iterator[bytes]:
    """Give the pieces of a CSV file, each of them whole rows, with every cell disarmed that starts like a formula.

    Numbers stay as they are, negative ones too.
    """
    between = re.escape(delimiter.encode())
    suspect = re.compile(rb"(?:^|\n|\"|" + between + rb")[=+\-@\t\r]")
    # A cell is in quotation marks, where two stand for one, or has none; rows end with CR LF.
    cell = re.compile(rb'("(?:[^"]|"")*"|(?:(?!' + between + rb')[^"\r\n])*)(' + between + rb"|\r\n|\Z)", re.DOTALL)
    for piece in pieces:
        if piece.startswith(BOM_UTF8):
            yield BOM_UTF8
            piece = piece[len(BOM_UTF8) :]
        yield cell.sub(_disarm, piece) if suspect.search(piece) else piece


def _disarm(found: re.Match[bytes]) -> bytes:
    cell, end = found.groups()
    quoted = cell[:1] == b'"'
    text = cell[1:-1] if quoted else cell
    if not text.startswith(_STARTS_FORMULA) or _NUMBER.match(text):
        return found.group()
    return b'"\'%b"%b' % (text, end) if quoted else b"'%b%b" % (text, end)
