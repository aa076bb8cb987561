"""XLSX, XML, RSS and the HTML table: what is refused, what can never break them, then what they look like."""

import io
import json
from html.parser import HTMLParser
from xml.etree import ElementTree

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from resources.datasets import scanning
from resources.datasets.formats import xlsx
from resources.datasets.formats.formats import FORMATS
from resources.datasets.options import ItemsOptions
from resources.datasets.reading import open_items
from resources.datasets.writing import push
from resources.kinds import Kind
from resources.models import Dataset

TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "rss": "application/rss+xml; charset=utf-8",
}
HOSTILE = [
    {"": 1, " ": 2, "1st": 3, "a b": 4, "a_b": 5, "<b>": "<script>alert(1)</script>", 'x="y"': "]]>&amp;", "é-1": "ü"},
    {"nul": "a\x00b\x1f\ufffe\uffff\ud7ff", "cr": "a\r\nb\tc", "p:q": "prefix", "xmlns": "x", "xml": "y"},
    {"@": {"xmlns": "z", "a b": 1, "a_b": 2, "q": "\"'\n<&>", "deep": {"n": [1, 2.50]}}, "#": "text"},
    {"@": "no attributes", "#": None, "list": [[1, [2]], [], None, {"@": {"x": True}, "#": 1e300}]},
]


@pytest.fixture
def dataset(ada, make_resource):
    return make_resource(Kind.DATASET, ada, name="prices")


def filled(dataset: Dataset, *items: object) -> Dataset:
    push(dataset.pk, json.dumps(list(items)).encode())
    return dataset


def read(dataset: Dataset, format_: str, **options) -> bytes:
    body = open_items(dataset.pk, ItemsOptions(format=format_, **options)).body
    return body if isinstance(body, bytes) else b"".join(body)


def rows_of(workbook: bytes, sheet: str = "Items") -> list[list[object]]:
    return [list(row) for row in openpyxl.load_workbook(io.BytesIO(workbook))[sheet].iter_rows(values_only=True)]


class Cells(HTMLParser):
    """Reads a table, and fails on any element that is not of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        assert tag in ("table", "tr", "th", "td"), tag
        assert attrs == []
        if tag == "tr":
            self.rows.append([])
        elif tag != "table":
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def cells_of(table: bytes) -> list[list[str]]:
    return [[cell.removesuffix("\n") for cell in row] for row in Cells(table.decode()).rows]


# Refusals.


@pytest.mark.parametrize("name", ["xmlRoot", "xmlRow"])
@pytest.mark.parametrize("value", ["1a", "a b", "<x>", "a:b", "a\x00", "-a", "a" * 201, "a>", " "])
def test_a_root_or_row_that_is_no_name_is_refused(api, ada, dataset, name, value):
    response = api(ada).get(f"/v2/datasets/{dataset.pk}/items", {"format": "xml", name: value})
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["type"] == "invalid-value"
    assert name in error["message"]


@pytest.mark.parametrize("format_", TYPES)
def test_a_stranger_is_refused_in_every_format(api, cleo, dataset, format_):
    Dataset.objects.filter(pk=dataset.pk).update(general_access="RESTRICTED")
    assert api(cleo).get(f"/v2/datasets/{dataset.pk}/items?format={format_}").status_code == 403


# What anybody may have stored.


@pytest.mark.parametrize("format_", ["xml", "rss"])
def test_hostile_names_and_values_never_break_xml(dataset, format_):
    document = ElementTree.fromstring(read(filled(dataset, *HOSTILE), format_, feed_title="<&\x00>"))
    assert len(list(document.iter("item"))) == len(HOSTILE)


def test_hostile_names_and_values_are_text_in_html(dataset):
    rows = cells_of(read(filled(dataset, *HOSTILE), "html"))
    assert len(rows) == 1 + len(HOSTILE)
    assert "<script>alert(1)</script>" in rows[1]


def test_hostile_names_and_values_are_text_in_a_workbook(dataset):
    rows = rows_of(read(filled(dataset, *HOSTILE), "xlsx"))
    assert len(rows) == 1 + len(HOSTILE)
    assert "<script>alert(1)</script>" in rows[1]


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "{=1}", "http://example.com", "mailto:a@example.com", "internal:Sheet1!A1"]


def test_no_text_becomes_a_formula_a_link_or_a_number_in_a_workbook(dataset):
    body = read(filled(dataset, *({"t": text} for text in [*FORMULAS, "007", "_x0041_"])), "xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(body))["Items"]
    found = [row[0] for row in sheet.iter_rows(min_row=2)]
    assert [unescape(cell.value) for cell in found] == [*FORMULAS, "007", "_x0041_"]
    assert {cell.data_type for cell in found} <= {"s", "inlineStr"}
    assert all(cell.hyperlink is None for cell in found)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from("@#"), inner, max_size=4),
    max_leaves=12,
)
ITEMS = st.lists(st.dictionaries(st.text() | st.sampled_from("@#"), JSON_VALUES, max_size=5), max_size=4)


@given(items=ITEMS, at_once=st.booleans())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_anything_that_can_be_stored_comes_out_well_formed(dataset, items, at_once):
    text = json.dumps(items).encode("utf-8", "surrogatepass")
    Dataset.objects.filter(pk=dataset.pk).update(item_count=0, loose_chunks=0, loose_weight=0, fields=[])
    dataset.chunks.all().delete()
    push(dataset.pk, text)
    limit = scanning.SMALL_BYTES
    scanning.SMALL_BYTES = limit if at_once else 0
    try:
        for format_ in ("xml", "rss"):
            assert len(list(ElementTree.fromstring(read(dataset, format_)).iter("item"))) >= len(items)
        table, sheet = cells_of(read(dataset, "html")), rows_of(read(dataset, "xlsx"))
    finally:
        scanning.SMALL_BYTES = limit
    columns = len(table[0]) if table else 0
    assert [len(row) for row in table] == [columns] * (1 + len(items) if columns else 0)
    assert len(sheet) <= 1 + len(items)


def test_the_deepest_item_fits_in_xml(dataset):
    deep: object = "bottom"
    for _ in range(127):
        deep = {"a": [deep]}
    text = read(filled(dataset, {"a": deep}), "xml").decode()
    assert text.count("<a>") == 128
    assert "<a>bottom</a>" in text


# Features.


@pytest.mark.parametrize(("format_", "type_"), TYPES.items())
def test_the_api_answers_in_every_format_with_its_type(api, ada, dataset, format_, type_):
    filled(dataset, {"a": 1})
    response = api(ada).get(f"/v2/datasets/{dataset.pk}/items?format={format_}&attachment=1")
    assert response.status_code == 200
    assert response["Content-Type"] == type_
    assert response["Content-Disposition"] == f'attachment; filename="prices.{format_}"'
    assert response["X-Apify-Pagination-Count"] == "1"


@pytest.mark.parametrize("format_", FORMATS)
def test_an_empty_dataset_has_an_answer_in_every_format(dataset, format_):
    body = read(dataset, format_, bom=False)
    assert body.startswith((b"[]", b"<", b"PK")) or format_ in ("csv", "jsonl")


def test_xml_is_as_it_is_described(dataset):
    item = {
        "name": "Paul Newman",
        "address": [{"type": "home", "street": "21st"}, {"type": "office", "street": None}],
        "at": [{"@": {"type": "home"}, "street": "21st"}, {"@": {"type": "office"}, "#": "unknown"}],
        "none": [],
        "price": 1.50,
        "sold": True,
    }
    expected = (
        '<?xml version="1.0" encoding="utf-8"?>\n<items>\n<item><name>Paul Newman</name>'
        "<address><type>home</type><street>21st</street></address><address><type>office</type><street/></address>"
        '<at type="home"><street>21st</street></at><at type="office">unknown</at>'
        "<price>1.5</price><sold>true</sold></item>\n</items>"
    )
    assert read(filled(dataset, item), "xml").decode() == expected


def test_attributes_of_xml_whose_names_become_alike_are_numbered(dataset):
    filled(dataset, {"@": {"a b": 1, "a_b": 2, "a_b_2": 3, "a/b": 4}})
    assert b'<item a_b="1" a_b_2="2" a_b_2_2="3" a_b_3="4"/>' in read(dataset, "xml")


def test_the_elements_of_xml_can_be_called_otherwise(api, ada, dataset):
    filled(dataset, {"a": 1})
    query = {"format": "xml", "xmlRoot": "prices", "xmlRow": "price", "bom": "1"}
    body = api(ada).get(f"/v2/datasets/{dataset.pk}/items", query).content
    assert body.startswith(b"\xef\xbb\xbf<?xml")
    assert ElementTree.fromstring(body).find("price/a").text == "1"
    assert ElementTree.fromstring(body).tag == "prices"


def test_numbers_keep_every_digit_in_text_formats(dataset):
    push(dataset.pk, b'[{"n": 12345678901234567890123, "f": 1.10, "@": {"x": [1.10]}}]')
    assert b'<item x="[1.10]"><n>12345678901234567890123</n><f>1.10</f></item>' in read(dataset, "xml")
    assert b"<td>12345678901234567890123</td><td>1.10</td>" in read(dataset, "html")


def test_a_feed_is_called_after_its_dataset(api, ada, dataset, settings):
    filled(dataset, {"title": "Bread", "media:content": {"@": {"url": "https://example.com/a.png"}}, "no:such": 1})
    channel = ElementTree.fromstring(api(ada).get(f"/v2/datasets/{dataset.pk}/items?format=rss").content)[0]
    assert channel.find("title").text == "Dataset prices"
    assert channel.find("description").text == f'Items in dataset with id "{dataset.pk}".'
    assert channel.find("link").text == dataset.console_url
    item = channel.find("item")
    assert item.find("{http://search.yahoo.com/mrss/}content").get("url") == "https://example.com/a.png"
    assert item.find("no_such").text == "1"


def test_a_feed_can_be_called_otherwise(api, ada, dataset):
    query = {"format": "rss", "feedTitle": "A & B", "feedDescription": "<new>"}
    channel = ElementTree.fromstring(api(ada).get(f"/v2/datasets/{dataset.pk}/items", query).content)[0]
    assert [channel.find("title").text, channel.find("description").text] == ["A & B", "<new>"]


def test_an_html_table_has_the_columns_of_csv(dataset):
    filled(dataset, {"a": {"b": 1, "c": [True, None]}, "d": "x<y"}, {"e": "é\r\n"})
    assert read(dataset, "html").decode() == (
        "<table>\n<tr><th>a/b</th><th>a/c/0</th><th>a/c/1</th><th>d</th><th>e</th></tr>\n"
        "<tr><td>1</td><td>true</td><td></td><td>x&lt;y</td><td></td></tr>\n"
        "<tr><td></td><td></td><td></td><td></td><td>é&#13;\n</td></tr>\n</table>"
    )


def test_a_workbook_has_typed_cells_under_its_titles(dataset):
    filled(dataset, {"a": {"b": 1}, "t": "x", "yes": True}, {"t": None, "a": {"b": -2.5e-3}})
    body = read(dataset, "xlsx", bom=True)
    assert body.startswith(b"PK")
    assert rows_of(body) == [["a/b", "t", "yes"], [1, "x", True], [-0.0025, None, None]]
    assert rows_of(read(dataset, "xlsx", skip_header_row=True, fields=("t",))) == [["x"]]


# A double holds 2^53 and no odd integer beyond.
NO_DOUBLE = [
    "9007199254740993",
    "-9007199254740993",
    "12345678901234567890",
    "1e999",
    "-1.5E999",
    "9" * 309,
    "9" * 5000,
]
DOUBLES = [
    "123456789012345",
    "1234567890123456",
    "9007199254740992",
    "-9007199254740994",
    "12345678901234568",
    "1000000000000000000000",
    "1" + "0" * 22,
    "-0.5",
    "0.000",
    "-0",
    "1E3",
    "59.97",
    "0.30000000000000004",
    "0.1234567890123456789012345",
    "123456789.12345678",
    "-1e-310",
    "5e-324",
    "1e-400",
    "1.7976931348623157e308",
    "0." + "3" * 5000,
]


@pytest.mark.parametrize("number", NO_DOUBLE)
def test_a_number_that_a_double_does_not_hold_stands_as_text(dataset, number):
    push(dataset.pk, b'[{"n": %b}]' % number.encode())
    assert rows_of(read(dataset, "xlsx"))[1] == [number]


@pytest.mark.parametrize("number", DOUBLES)
def test_a_number_that_a_double_holds_is_that_double(dataset, number):
    push(dataset.pk, b'[{"n": %b}]' % number.encode())
    (cell,) = rows_of(read(dataset, "xlsx"))[1]
    assert isinstance(cell, int | float)
    assert float(cell) == float(number)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_double_comes_out_of_a_workbook_as_it_went_in(number):
    text = f"{xlsx._number(repr(number)):.16G}"
    assert float(text) == number


def test_a_column_of_fractions_adds_up(dataset):
    prices = [19.99, 59.97, 0.1 + 0.2, 1 / 3, 1e-7]
    filled(dataset, *({"price": price} for price in prices))
    assert sum(row[0] for row in rows_of(read(dataset, "xlsx"))[1:]) == sum(prices)


def test_a_text_that_is_too_long_for_a_cell_is_cut(dataset):
    filled(dataset, {"t": "x" * 40_000, "u": "\U0001f600" * 20_000})
    text, emoji = rows_of(read(dataset, "xlsx"))[1]
    assert len(text) == 32_767
    assert emoji == "\U0001f600" * 16_383


def test_what_goes_beyond_a_sheet_continues_on_the_next(dataset, monkeypatch):
    monkeypatch.setattr(xlsx, "MAX_ROWS", 3)
    body = read(filled(dataset, *({"n": n} for n in range(5))), "xlsx")
    assert [rows_of(body, sheet) for sheet in ("Items", "Items 2", "Items 3")] == [
        [["n"], [0], [1]],
        [["n"], [2], [3]],
        [["n"], [4]],
    ]


def test_a_workbook_leaves_no_file_behind(dataset, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(scanning, "SMALL_BYTES", 0)
    pieces = open_items(filled(dataset, {"t": "x" * 100_000}).pk, ItemsOptions(format="xlsx")).body
    assert next(pieces).startswith(b"PK")
    assert list(tmp_path.iterdir())
    pieces.close()
    assert list(tmp_path.iterdir()) == []


def test_a_table_has_2000_columns_at_most(dataset):
    filled(dataset, {"a": list(range(3000))})
    assert len(cells_of(read(dataset, "html"))[0]) == 2000
    assert len(rows_of(read(dataset, "xlsx"))[0]) == 2000


def test_the_api_disarms_formulas_only_when_asked(api, ada, dataset):
    filled(dataset, {"t": "=1+1", "n": -1})
    url = f"/v2/datasets/{dataset.pk}/items?format=csv&bom=0"
    assert api(ada).get(url).content == b"t,n\r\n=1+1,-1\r\n"
    assert api(ada).get(f"{url}&escapeFormulas=1").getvalue() == b"t,n\r\n'=1+1,-1\r\n"
