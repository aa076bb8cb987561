"""Items as an Excel workbook, written row by row into a temporary file, because a workbook is finished at its end.

Excel has limits of its own. What goes beyond the rows of a sheet continues on a further sheet; a text that is too
long for a cell is cut. An integer that Excel's numbers, which are doubles, do not hold stands as text: it is an ID
more often than an amount. No text is ever taken for a formula or link.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import xlsxwriter

from resources.datasets.formats.columns import arrange
from resources.datasets.formats.markup import possible
from resources.datasets.items import Block
from resources.datasets.options import ItemsOptions

MAX_ROWS = 1_048_576
MAX_TEXT = 32_767  # in UTF-16
# Any number of so many characters is a double that comes out of the 16 digits that XlsxWriter writes.
SHORT_NUMBER = 15
_PIECE = 64 * 1024
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}
_TEXT = msgspec.json.Decoder(str)


def write(blocks: Callable[[], Iterator[Block]], options: ItemsOptions, columns: list[str] | None) -> Iterator[bytes]:
    """Write the items as a workbook; see `columns.arrange` for the arguments."""
    table = arrange(blocks, options, columns)
    with TemporaryDirectory(prefix="latchkey-xlsx-") as directory:
        path = Path(directory, "items.xlsx")
        workbook = xlsxwriter.Workbook(str(path), {**_OPTIONS, "tmpdir": directory})
        workbook.use_zip64()
        sheets = _Sheets(workbook, [] if options.skip_header_row else table.titles)
        for block in table.blocks():
            for item in block:
                sheets.add([(at, bytes(item[name])) for at, name in enumerate(table.paths) if name in item])
        workbook.close()
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece


class _Sheets:
    """Rows on one sheet, and from there on the next, each under the same titles."""

    def __init__(self, workbook: Any, titles: list[str]) -> None:
        self._workbook = workbook
        self._titles = titles
        self._bold = workbook.add_format({"bold": True})
        self._number = 0
        self._begin()

    def _begin(self) -> None:
        self._number += 1
        self._sheet = self._workbook.add_worksheet("Items" if self._number == 1 else f"Items {self._number}")
        self._row = 0
        if self._titles:
            self._sheet.freeze_panes(1, 0)
            for at, title in enumerate(self._titles):
                self._sheet.write_string(0, at, _as_text(title), self._bold)
            self._row = 1

    def add(self, cells: list[tuple[int, bytes]]) -> None:
        """Add a row of (column, JSON text of a value that is no array and no object)."""
        if self._row >= MAX_ROWS:
            self._begin()
        for at, value in cells:
            self._put(at, value)
        self._row += 1

    def _put(self, at: int, value: bytes) -> None:
        sheet, row = self._sheet, self._row
        if value[:1] == b'"':
            sheet.write_string(row, at, _as_text(_TEXT.decode(value)))
        elif value in (b"true", b"false"):
            sheet.write_boolean(row, at, value == b"true")
        elif value != b"null":
            text = value.decode()
            number = _number(text)
            if number is None:
                sheet.write_string(row, at, text[:MAX_TEXT])
            else:
                sheet.write_number(row, at, number)


class _AllDigits(float):
    """A number that XlsxWriter, which asks for 16 digits, writes with as many as it takes to read it back."""

    def __format__(self, spec: str) -> str:
        text = super().__format__(spec)
        return text if float(text) == self else repr(float(self))


def _number(text: str) -> float | None:
    """Return a number as Excel holds it, None for an integer, or a number beyond all doubles, that it does not hold."""
    number = float(text)
    if len(text) <= SHORT_NUMBER and not math.isinf(number):
        return number
    if math.isinf(number) or (text.lstrip("-").isdecimal() and int(number) != int(text)):
        return None
    return _AllDigits(number)


def _as_text(text: str) -> str:
    text = possible(text[:MAX_TEXT])
    return text if text.isascii() else text.encode("utf-16-le")[: 2 * MAX_TEXT].decode("utf-16-le", "ignore")
