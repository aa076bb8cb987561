"""Reading items: refusals, pages, streams, and what happens when something changes in the midst of one."""

import json
from collections.abc import Iterator

import pytest
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.http.items_query import parse_items_query
from resources.datasets import chunks, scanning
from resources.datasets.options import ItemsOptions
from resources.datasets.reading import item_objects, open_items
from resources.datasets.writing import DatasetGone, push
from resources.kinds import Kind
from resources.models import Dataset
from tests.support.factories import make_resource


@pytest.fixture
def dataset(ada, make_resource):
    return make_resource(Kind.DATASET, ada)


@pytest.fixture
def small_chunks(monkeypatch) -> None:
    """Make chunks and what a statement brings so small that a few items are many of them."""
    monkeypatch.setattr(chunks, "TARGET_WEIGHT", 256)
    monkeypatch.setattr(chunks, "FULL_WEIGHT", 128)
    monkeypatch.setattr(scanning, "ROWS", 3)
    monkeypatch.setattr(scanning, "LARGE_BYTES", 60)
    monkeypatch.setattr(scanning, "SMALL_BYTES", 400)


def numbered(dataset: Dataset, count: int, text: str = "") -> None:
    items = [{"at": at, "text": text} for at in range(count)]
    push(dataset.pk, json.dumps(items, separators=(",", ":")).encode())


def read(dataset: Dataset, **options) -> bytes:
    body = open_items(dataset.pk, ItemsOptions(**options)).body
    return body if isinstance(body, bytes) else b"".join(body)


def stream(dataset: Dataset, **options) -> Iterator[bytes]:
    body = open_items(dataset.pk, ItemsOptions(**options)).body
    assert not isinstance(body, bytes)
    return body


# Refusals.


def test_a_dataset_that_is_not_there(db):
    with pytest.raises(DatasetGone):
        open_items("0" * 17, ItemsOptions())
    with pytest.raises(DatasetGone):
        item_objects("0" * 17, 0, 10)


# Pages.


def test_positions_of_any_size_are_understood(dataset):
    numbered(dataset, 3)
    options = parse_items_query(QueryDict("offset=1&limit=" + "9" * 400))
    assert json.loads(read(dataset, offset=options.offset, limit=options.limit)) == [
        {"at": 1, "text": ""},
        {"at": 2, "text": ""},
    ]
    options = parse_items_query(QueryDict("offset=" + "9" * 400))
    for desc in (False, True):
        answer = open_items(dataset.pk, ItemsOptions(offset=options.offset, limit=options.limit, desc=desc))
        assert (answer.body, answer.total, answer.count) == (b"[]", 3, 0)


@pytest.mark.parametrize("desc", [False, True])
def test_a_page_takes_one_statement_with_its_total(dataset, django_assert_num_queries, desc):
    numbered(dataset, 3000, "some text")
    with django_assert_num_queries(1):
        answer = open_items(dataset.pk, ItemsOptions(offset=1500, limit=20, desc=desc))
    assert (answer.total, answer.offset, answer.limit, answer.count, answer.desc) == (3000, 1500, 20, 20, desc)
    assert isinstance(answer.body, bytes)
    at = [item["at"] for item in json.loads(answer.body)]
    assert at == (list(range(1499, 1479, -1)) if desc else list(range(1500, 1520)))


def test_an_empty_dataset(dataset):
    assert read(dataset) == b"[]"
    assert read(dataset, format="jsonl") == b""
    assert read(dataset, format="csv") == b"\xef\xbb\xbf"


def test_only_headers(dataset, django_assert_num_queries):
    numbered(dataset, 50)
    with django_assert_num_queries(1):
        answer = open_items(dataset.pk, ItemsOptions(offset=45), with_body=False)
    assert (answer.total, answer.count, answer.body) == (50, 5, b"")


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_byte_order_mark_by_request(dataset, form):
    numbered(dataset, 2)
    plain = read(dataset, format=form)
    assert not plain.startswith(b"\xef\xbb\xbf")
    assert read(dataset, format=form, bom=True) == b"\xef\xbb\xbf" + plain
    assert read(dataset, format=form, bom=True, skip_empty=True) == b"\xef\xbb\xbf" + plain


@pytest.mark.parametrize("size", [0, scanning.SMALL_BYTES])
def test_what_is_skipped_or_unwound_counts_as_what_it_was(dataset, monkeypatch, size):
    """Clients go on from there: by what is returned they would read items twice, or leave some out."""
    monkeypatch.setattr(scanning, "SMALL_BYTES", size)
    push(dataset.pk, b'[{"a":1},{},{"#b":2},{"a":[3,4,5]}]')

    def found(**options) -> tuple[int, bytes]:
        answer = open_items(dataset.pk, ItemsOptions(format="jsonl", **options))
        return answer.count, answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)

    assert found(skip_empty=True, skip_hidden=True, limit=3) == (3, b'{"a":1}\n')
    assert found(skip_empty=True, offset=1, limit=1) == (1, b"")
    assert found(unwind=("a",), offset=3) == (1, b'{"a":3}\n{"a":4}\n{"a":5}\n')
    assert found(skip_empty=True, offset=4) == (0, b"")


def test_objects_for_pages_of_the_console(dataset):
    push(dataset.pk, b'[{"i":12,"f":1.5,"n":null},{"huge":1e999,"long":%b,"s":"x"}]' % (b"7" * 5000))
    first, second = item_objects(dataset.pk, 0, 10)
    assert first == {"i": 12, "f": 1.5, "n": None}
    assert second == {"huge": "1e999", "long": "7" * 5000, "s": "x"}
    assert item_objects(dataset.pk, 0, 1, desc=True) == [second]


# Streams.


@pytest.mark.parametrize("desc", [False, True])
def test_a_large_answer_is_the_same_in_pieces(dataset, small_chunks, desc):
    for size in (1, 40, 3, 120, 1, 1):
        push(dataset.pk, json.dumps([{"size": size, "at": at} for at in range(size)]).encode())
    push(dataset.pk, json.dumps({"large": "".join(map(str, range(300)))}).encode())
    answer = open_items(dataset.pk, ItemsOptions(offset=2, desc=desc))
    assert not isinstance(answer.body, bytes)
    pieces = list(answer.body)
    assert len(pieces) > 10
    one_by_one = [item_objects(dataset.pk, at, 1, desc)[0] for at in range(2, answer.total)]
    assert json.loads(b"".join(pieces)) == one_by_one
    assert answer.count == len(one_by_one) == 165


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize("bom", [False, True])
def test_the_size_of_everything_is_known_before_it_is_written(dataset, small_chunks, form, bom):
    """Pushed with blanks and line breaks, in batches that are merged: it is the size of what is read."""
    for size in (1, 40, 3, 120, 1, 1):
        push(dataset.pk, json.dumps([{"size": "ž" * size, "at": at} for at in range(size)], indent=1).encode())
        whole = open_items(dataset.pk, ItemsOptions(format=form, bom=bom))
        assert whole.size == len(read(dataset, format=form, bom=bom))
        assert open_items(dataset.pk, ItemsOptions(format=form, bom=bom), with_body=False).size == whole.size
    assert not isinstance(whole.body, bytes)
    assert open_items(dataset.pk, ItemsOptions(format=form, offset=1)).size is None


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_a_stream_breaks_when_its_dataset_goes(dataset, small_chunks, form):
    numbered(dataset, 300, "text")
    pieces = stream(dataset, format=form)
    next(pieces)
    dataset.delete()
    with pytest.raises(DatasetGone):
        list(pieces)


@pytest.mark.parametrize("desc", [False, True])
def test_a_stream_is_not_disturbed_by_what_is_pushed_and_merged_meanwhile(dataset, small_chunks, desc):
    for at in range(60):
        push(dataset.pk, b'{"at":%d}' % at)
    rest = stream(dataset, desc=desc)
    pieces = [next(rest)]
    for at in range(60, 90):
        push(dataset.pk, b'{"at":%d,"text":"more than before, so that chunks are merged"}' % at)
    pieces += rest
    expected = list(range(60))
    assert [item["at"] for item in json.loads(b"".join(pieces))] == (expected[::-1] if desc else expected)


# The law: what was pushed comes back.

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
pushes = st.lists(st.lists(st.dictionaries(st.text(max_size=8), values, max_size=4), max_size=12), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=pushes,
    offset=st.integers(0, 40),
    limit=st.none() | st.integers(0, 40),
    desc=st.booleans(),
    form=st.sampled_from(["json", "jsonl"]),
    parsed=st.booleans(),
    indent=st.none() | st.integers(0, 2),
)
def test_what_was_pushed_comes_back(ada, small_chunks, batches, offset, limit, desc, form, parsed, indent):
    dataset = make_resource(Kind.DATASET, ada)
    for batch in batches:
        assert push(dataset.pk, json.dumps(batch, ensure_ascii=bool(offset % 2), indent=indent).encode()) == len(batch)
    every = [item for batch in batches for item in batch]
    expected = (every[::-1] if desc else every)[offset:][:limit]
    # Unwinding a field that nobody has changes nothing, and takes every item apart and together again.
    options = ItemsOptions(format=form, offset=offset, limit=limit, desc=desc, unwind=("no such",) if parsed else ())
    answer = open_items(dataset.pk, options)
    body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
    found = json.loads(body) if form == "json" else [json.loads(line) for line in body.split(b"\n")[:-1]]
    assert found == expected
    assert (answer.total, answer.count) == (len(every), len(expected))
