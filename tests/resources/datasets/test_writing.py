"""Pushing items: what is refused and leaves nothing behind, what is kept, and how it is stored."""

import json
import threading
import tracemalloc

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from resources.datasets import chunks, writing
from resources.datasets.options import ItemsOptions
from resources.datasets.parse_items import MAX_DEPTH, MAX_ITEMS, _check_depth, parse_items
from resources.datasets.reading import open_items
from resources.datasets.writing import DatasetGone, InvalidItems, push
from resources.kinds import Kind
from resources.models import Dataset, DatasetChunk


@pytest.fixture
def dataset(ada, make_resource):
    return make_resource(Kind.DATASET, ada)


def body(dataset: Dataset, **options) -> bytes:
    found = open_items(dataset.pk, ItemsOptions(**options)).body
    return found if isinstance(found, bytes) else b"".join(found)


def counters(dataset: Dataset):
    return Dataset.objects.values().get(pk=dataset.pk)


# Refusals.


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"5", "must be a JSON object or an array"),
        (b'"text"', "must be a JSON object or an array"),
        (b"null", "must be a JSON object or an array"),
        (b"[1]", "position 0"),
        (b'[{"a":1},{"b":2},[{}]]', "position 2"),
        (b'[{"a":1},null]', "position 1"),
        (b'{"a":1', "ends too early"),
        (b'[{"a":1}', "ends too early"),
        (b'[{"a":1}{}]', "byte 8"),
        (b'[{"a":1},]', "byte 9"),
        (b'{"a":tru}', "byte 6"),
        (b'{"a":1} x', "trailing characters"),
        (b"{'a':1}", "byte 1"),
        (b'{"a":NaN}', "byte 5"),
        (b'{"a":-Infinity}', "byte 6"),
        (b'{"a":01}', "byte 6"),
        (b'{"a":1.}', "byte 7"),
        (b'{"a":"\x00"}', "byte 6"),
        (b'{"a":"\n"}', "byte 6"),
        (b'{"a":"\\x"}', "byte 7"),
        (b'{"a":"\\', "ends too early"),
        (b'{"a":"\\ud8', "ends too early"),
        (b'{"a":"\\ud8zz"}', "unicode escape"),
        (b"\x00[]", "byte 0"),
        (b"\xef\xbb\xbf[{}]", "byte order mark"),
        (b'[{"a":"\xff"}]', "UTF-8 (invalid start byte at byte 7)"),
        (b'[{"\xc3":1}]', "UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "UTF-8"),
        ('{"a":1}'.encode("utf-16"), "UTF-8"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "position 0 has more than 256 levels"),
        (b'[{},{"a":' + b'{"b":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH + b"}]", "position 1 has more than"),
    ],
    ids=lambda value: value[:24] if isinstance(value, bytes) else "",
)
def test_what_is_no_item_is_refused_and_leaves_nothing(dataset, payload, says):
    before = counters(dataset)
    with pytest.raises(InvalidItems) as refused:
        push(dataset.pk, payload)
    assert says in str(refused.value)
    assert counters(dataset) == before
    assert not DatasetChunk.objects.exists()


def test_a_dataset_that_is_gone_takes_nothing(dataset):
    Dataset.objects.filter(pk=dataset.pk).get().delete()
    with pytest.raises(DatasetGone):
        push(dataset.pk, b"{}")
    assert not DatasetChunk.objects.exists()


def test_a_failure_in_the_middle_leaves_nothing(dataset, monkeypatch):
    push(dataset.pk, b'{"before":1}')
    before = counters(dataset)

    def fail(*args):
        raise OSError("no space")

    monkeypatch.setattr(writing, "_add_fields", fail)
    with pytest.raises(OSError, match="no space"):
        push(dataset.pk, b'[{"after":2},{"after":3}]')
    assert counters(dataset) == before
    assert body(dataset) == b'[{"before":1}]'


# What is kept.


def test_no_items_are_no_mistake(dataset):
    before = counters(dataset)
    assert push(dataset.pk, b" [ ] ") == 0
    assert counters(dataset) == before


def test_one_object_is_one_item(dataset):
    assert push(dataset.pk, b'  {"a": 1} ') == 1
    assert body(dataset) == b'[{"a": 1}]'


@pytest.mark.parametrize(
    "item",
    [
        b"{}",
        b'{"a":1e999999,"b":-1E+5,"c":-0}',
        b'{"a":' + b"7" * 5000 + b"}",
        b'{"a":0.1000000000000000055511151231257827}',
        b'{"a":1,"a":2}',
        b'{"":"empty","\\u0000":"\\u0000"}',
        b'{"a":"\\ud83d\\ude00 \\u00e9 \\"quoted\\" \\\\ud800"}',
        '{"a":"žluťoučký 😀 \u2028"}'.encode(),
        b'{"a": {"b" :[ 1, 2 ]} }',
        b'{"a":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}",
        b'{"a":"' + b"[{" * 1000 + b'"}',
    ],
    ids=lambda item: item[:20],
)
def test_items_come_back_byte_for_byte(dataset, item):
    push(dataset.pk, b"[" + item + b" , " + item + b"]")
    assert body(dataset) == b"[" + item + b"," + item + b"]"
    assert body(dataset, format="jsonl") == item + b"\n" + item + b"\n"


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_line_breaks_between_tokens_do_not_reach_json_lines(dataset, line_break):
    pretty = json.dumps([{"text": "a\nb", "list": [1, {"c": 2}]}, {}], indent=2).replace("\n", line_break)
    push(dataset.pk, pretty.encode())
    assert body(dataset, format="jsonl") == b'{"text":"a\\nb","list":[1,{"c":2}]}\n{}\n'


@pytest.mark.parametrize(
    ("pushed", "kept"),
    [
        (rb"\ud800", rb"\ufffd"),
        (rb"x\uDBFFy", rb"x\ufffdy"),
        (rb"\udc00", rb"\ufffd"),
        (rb"\udc00\ud800", rb"\ufffd\ufffd"),
        (rb"\ud800\ud83d\ude00", rb"\ufffd\ud83d\ude00"),
        (rb"\ud83d\ude00\ude00", rb"\ud83d\ude00\ufffd"),
        (rb"\\ud800", rb"\\ud800"),
        (rb"\\\ud800", rb"\\\ufffd"),
        (rb"\\ud83d\ude00", rb"\\ud83d\ufffd"),
        (rb"\"\ud800\"", rb"\"\ufffd\""),
    ],
)
def test_half_a_surrogate_pair_is_replaced_in_values_and_keys(dataset, pushed, kept):
    push(dataset.pk, b'{"%b":"%b"}' % (pushed, pushed))
    assert body(dataset) == b'[{"%b":"%b"}]' % (kept, kept)
    json.loads(body(dataset))[0].popitem()[1].encode()


ESCAPES = [
    "\\\\",
    '\\"',
    "\\n",
    "\\ud83d",
    "\\uDE00",
    "\\ud83d\\ude00",
    "\\u0041",
    "u",
    "d83d",
    "x",
    "[",
    "}",
    "{",
    "é",
]


@given(st.lists(st.sampled_from(ESCAPES), max_size=40).map("".join))
def test_surrogates_are_told_apart_as_a_parser_does(text):
    body = f'{{"k":"{text}"}}'
    expected = json.loads(body)["k"].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    [kept] = parse_items(body.encode()).items
    assert json.loads(kept)["k"] == expected


@pytest.mark.parametrize("filling", [b"\\n", b'\\"', b"\\\\", b"\\ud83d", b"\\ude00", b"\\ud83d\\ude00", b"\\\\ud800"])
def test_a_body_full_of_escapes_costs_a_few_times_its_size(filling):
    payload = b'{"a":"%b\\ud800"}' % (filling * (600_000 // len(filling)))
    tracemalloc.start()
    try:
        [item] = parse_items(payload).items
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert item.endswith(b'\\ufffd"}')
    assert peak < 8 * len(payload)


@pytest.mark.parametrize("filling", [b'["["],', b'["\\"["],', b'"",', b"[],"])
def test_counting_levels_costs_a_few_times_the_size(filling):
    item = b'{"a":[%b0]}' % (filling * (600_000 // len(filling)))
    tracemalloc.start()
    try:
        _check_depth([item])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(item)


def test_brackets_in_strings_are_no_levels(dataset):
    deep = b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1)
    strings = b'"[[", "{\\\\", "\\"[[", "\\\\\\"[", "", "{]"'
    assert push(dataset.pk, b'{"a":%b,"b":[%b],"c":%b}' % (deep, b", ".join([strings] * 200), deep)) == 1
    with pytest.raises(InvalidItems, match="levels"):
        push(dataset.pk, b'{"b":[%b],"c":[%b]}' % (b", ".join([strings] * 200), deep))


@pytest.mark.parametrize("count", [3, 500])
def test_items_without_a_key_are_no_clean_ones_however_they_are_written(dataset, count):
    push(dataset.pk, b"[%b]" % b",".join([b'{"a":""}', b"{}", b"{ \t }"] * count))
    dataset.refresh_from_db()
    assert (dataset.item_count, dataset.clean_item_count) == (3 * count, count)


def test_counters_follow(dataset):
    push(dataset.pk, b'[{"a":1,"#debug":2},{"#debug":3},{}]')
    push(dataset.pk, b'{"b":[1]}')
    dataset.refresh_from_db()
    chunk_bytes = sum(len(chunk.ends) + len(chunk.data) for chunk in dataset.chunks.all())
    assert (dataset.item_count, dataset.clean_item_count, dataset.write_count) == (4, 2, 2)
    assert dataset.stored_bytes == len(b'{"a":1,"#debug":2}{"#debug":3}{}{"b":[1]}')
    assert dataset.compressed_bytes == chunk_bytes > 0
    assert dataset.fields == ["a", "#debug", "b"]
    assert dataset.modified_at > dataset.created_at


@pytest.mark.parametrize(
    ("odd", "fields", "clean"),
    [
        ({"b": 2, "a": 1}, ["a", "b"], 300),
        ({"a": 1}, ["a", "b"], 300),
        ({}, ["a", "b"], 299),
        ({"a": 1, "c": 2}, ["a", "b", "c"], 300),
        ({"#c": 2}, ["a", "b", "#c"], 299),
        ({'"\\\x01é': 2}, ["a", "b", '"\\\x01é'], 300),
    ],
)
@pytest.mark.parametrize("at", [0, 150, 299])
def test_one_item_among_many_alike(dataset, odd, fields, clean, at):
    items = [{"a": 1, "b": 2}] * 299
    push(dataset.pk, json.dumps([*items[:at], odd, *items[at:]]).encode())
    dataset.refresh_from_db()
    assert (sorted(dataset.fields), dataset.clean_item_count) == (sorted(fields), clean)
    if at:
        assert dataset.fields == fields
    with pytest.raises(InvalidItems, match=f"position {at} "):
        push(dataset.pk, json.dumps([*items[:at], [], *items[at:]]).encode())


def test_fields_are_kept_up_to_a_limit(dataset):
    names = [f"field-{at}" for at in range(writing.MAX_FIELDS - 1)]
    push(dataset.pk, json.dumps([{"n" * 201: 1, "nul\x00": 2}, dict.fromkeys(names, 1)]).encode())
    push(dataset.pk, b'{"last":1,"too many":2,"field-7":3}')
    dataset.refresh_from_db()
    assert dataset.fields == [*names, "last"]


def test_fields_are_columns_until_something_else_appears(dataset):
    push(dataset.pk, b'[{"a":1},{"b":"x"}]')
    dataset.refresh_from_db()
    assert dataset.fields_are_columns
    push(dataset.pk, b'{"c":[]}')
    dataset.refresh_from_db()
    assert not dataset.fields_are_columns


# How it is stored.


def test_many_small_pushes_leave_few_chunks(dataset):
    for at in range(500):
        push(dataset.pk, b'{"at":%d,"text":"%b"}' % (at, b"small " * (at % 40)))
    dataset.refresh_from_db()
    assert dataset.chunks.count() <= writing.MAX_LOOSE_CHUNKS + dataset.stored_bytes // chunks.FULL_WEIGHT + 1
    assert [item["at"] for item in json.loads(body(dataset))] == list(range(500))
    assert dataset.compressed_bytes == sum(len(chunk.ends) + len(chunk.data) for chunk in dataset.chunks.all())


def test_chunks_are_neighbours_whatever_is_pushed(dataset):
    for at, size in enumerate((1, 3000, 1, 1, 200, 5000, 1, 40, 1)):
        push(dataset.pk, json.dumps([{"at": at, "text": "x" * (at * 7 % 60)}] * size).encode())
    ends = [0]
    for chunk in dataset.chunks.order_by("end_offset"):
        assert chunk.first_offset == ends[-1]
        ends.append(chunk.end_offset)
    dataset.refresh_from_db()
    assert ends[-1] == dataset.item_count == 8245


def test_large_pushes_are_cut_into_chunks_of_about_equal_weight():
    items = parse_items(json.dumps([{"text": "x" * (at % 900)} for at in range(2000)]).encode()).items
    packed = chunks.pack(items)
    assert sum(chunk.count for chunk in packed) == len(items)
    assert len(packed) == round(chunks.weigh(items) / chunks.TARGET_WEIGHT)
    assert all(0.9 < chunk.weight / packed[0].weight < 1.1 for chunk in packed)


def test_deleting_takes_few_statements_and_leaves_no_chunk(dataset, django_assert_max_num_queries):
    push(dataset.pk, json.dumps([{"text": "x" * 1000}] * 3000).encode())
    assert dataset.chunks.count() > 10
    with django_assert_max_num_queries(20):
        dataset.delete()
    assert not DatasetChunk.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_lose_nothing_and_stay_in_one_piece(dataset):
    writers, pushes, each = 4, 12, 5
    problems = []

    def write(writer: int) -> None:
        try:
            for number in range(pushes):
                items = [{"writer": writer, "push": number, "at": at, "text": "t" * 300} for at in range(each)]
                push(dataset.pk, json.dumps(items).encode())
        except Exception as error:
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    items = json.loads(body(dataset))
    assert len(items) == writers * pushes * each
    whole = [items[at : at + each] for at in range(0, len(items), each)]
    assert all(len({(item["writer"], item["push"]) for item in piece}) == 1 for piece in whole)
    for writer in range(writers):
        own = [piece[0]["push"] for piece in whole if piece[0]["writer"] == writer]
        assert own == list(range(pushes))
    assert counters(dataset)["item_count"] == len(items)


@pytest.mark.django_db(transaction=True)
def test_a_reader_amid_merging_sees_every_item_once(dataset):
    """Reads in one thread while another pushes: each answer is a prefix of what was pushed, without gaps."""
    done = threading.Event()
    problems = []

    def write() -> None:
        try:
            for at in range(150):
                push(dataset.pk, b'{"at":%d,"text":"%b"}' % (at, b"t" * 1500))
        except Exception as error:
            problems.append(error)
        finally:
            done.set()
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    answers = []
    while not done.is_set():
        answers.append([item["at"] for item in json.loads(body(dataset))])
    writer.join()
    answers.append([item["at"] for item in json.loads(body(dataset))])
    assert problems == []
    assert all(answer == list(range(len(answer))) for answer in answers)
    assert len(answers[-1]) == 150


@pytest.mark.django_db(transaction=True)
def test_deleting_under_a_writer_leaves_nothing_and_tells_the_writer(dataset):
    some_written = threading.Event()
    ended_with = []

    def write() -> None:
        try:
            for at in range(10_000):
                push(dataset.pk, b'{"at":%d}' % at)
                if at == 5:
                    some_written.set()
        except Exception as error:
            ended_with.append(error)
        finally:
            some_written.set()
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    some_written.wait(60)
    Dataset.objects.get(pk=dataset.pk).delete()
    writer.join()
    assert [type(error) for error in ended_with] == [DatasetGone]
    assert not DatasetChunk.objects.exists()


@pytest.mark.parametrize(
    ("item", "count"),
    [(b"0", 3_000_000), (b"[]", 3_000_000), (b"{}", 3_000_000), (b"0", MAX_ITEMS * 3 // 2 - 1)],
)
def test_millions_of_tiny_items_are_refused_before_they_take_memory(item, count):
    payload = b"[%b]" % b",".join([item] * count)
    tracemalloc.start()
    try:
        with pytest.raises(InvalidItems, match="position 0 " if item != b"{}" else "more than"):
            parse_items(payload)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_as_many_items_as_are_allowed_are_taken():
    assert len(parse_items(b"[%b]" % b",".join([b"{}"] * MAX_ITEMS)).items) == MAX_ITEMS
    with pytest.raises(InvalidItems, match="more than"):
        parse_items(b"[%b]" % b",".join([b"{}"] * (MAX_ITEMS + 1)))
