"""Statistics of fields: what they count, that they go on from where they stopped, and that nothing upsets them."""

import json

import pytest

from resources.datasets import chunks, statistics
from resources.datasets.scanning import scan
from resources.datasets.statistics import field_statistics
from resources.datasets.work_limit import ReaderGone
from resources.datasets.writing import DatasetGone, push
from resources.kinds import Kind
from resources.models import Dataset, DatasetStatistics


@pytest.fixture
def dataset(ada, make_resource):
    return make_resource(Kind.DATASET, ada)


def of(least, most, nulls=0, empty=0):
    return {"min": least, "max": most, "nullCount": nulls, "emptyCount": empty}


def test_a_dataset_that_is_not_there(db):
    with pytest.raises(DatasetGone):
        field_statistics("0" * 17)
    assert not DatasetStatistics.objects.exists()


def test_an_empty_dataset_has_none(dataset):
    assert field_statistics(dataset.pk) == {}


def test_sizes_by_type(dataset):
    push(
        dataset.pk,
        '[{"n":5,"s":"four","l":[1,2],"o":{"a":1},"b":true},'
        '{"n":-2.5,"s":"","l":[],"o":{"a":1,"b":2,"c":3},"b":false},'
        '{"n":1e3,"s":"\\u00e9\\ud83d\\ude00 ž","x":null}]'.encode(),
    )
    assert field_statistics(dataset.pk) == {
        "n": of(-2.5, 1000.0),
        "s": of(0, 4),
        "l": of(0, 2, empty=1),
        "o": of(1, 3, empty=1),
        "b": of(None, None, empty=1),
        "x": of(None, None, nulls=1, empty=2),
    }


def test_numbers_beyond_all_bounds_are_counted_and_have_no_size(dataset):
    huge = b"9" * 5000
    push(dataset.pk, b'[{"n":%b},{"n":-1e999999},{"n":7},{"n":123456789012345678901234567890},{"m":%b}]' % (huge, huge))
    found = field_statistics(dataset.pk)
    assert found == {"n": of(7, 123456789012345678901234567890.0, empty=1), "m": of(None, None, empty=4)}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_key_that_comes_twice_counts_once(dataset):
    push(dataset.pk, b'{"a":1,"a":5}')
    assert field_statistics(dataset.pk) == {"a": of(5, 5)}


def test_they_go_on_from_where_they_stopped(dataset, monkeypatch):
    push(dataset.pk, b'[{"a":5},{"b":null}]')
    field_statistics(dataset.pk)
    push(dataset.pk, b'[{"a":9},{"a":null}]')
    starts = []

    def watched(dataset_id, window):
        starts.append(window.offset)
        return scan(dataset_id, window)

    monkeypatch.setattr(statistics, "scan", watched)
    assert field_statistics(dataset.pk) == {"a": of(5, 9, nulls=1, empty=1), "b": of(None, None, nulls=1, empty=3)}
    assert field_statistics(dataset.pk) == {"a": of(5, 9, nulls=1, empty=1), "b": of(None, None, nulls=1, empty=3)}
    assert starts == [2, 4]


def test_who_is_slower_does_not_undo_what_is_saved(dataset, monkeypatch):
    push(dataset.pk, b'[{"a":1},{"a":2}]')
    count = statistics._count

    def overtaken(lines, by_field):
        """While the first two items are being counted, another process pushes, counts all and saves."""
        monkeypatch.setattr(statistics, "_count", count)
        push(dataset.pk, b'{"a":3}')
        assert field_statistics(dataset.pk) == {"a": of(1, 3)}
        count(lines, by_field)

    monkeypatch.setattr(statistics, "_count", overtaken)
    assert field_statistics(dataset.pk) == {"a": of(1, 2)}
    assert DatasetStatistics.objects.get(pk=dataset.pk).item_count == 3
    assert field_statistics(dataset.pk) == {"a": of(1, 3)}


def test_a_dataset_deleted_in_the_meantime_saves_nothing(dataset, monkeypatch):
    push(dataset.pk, b'{"a":1}')
    count = statistics._count

    def deleted(lines, by_field):
        Dataset.objects.get(pk=dataset.pk).delete()
        count(lines, by_field)

    monkeypatch.setattr(statistics, "_count", deleted)
    with pytest.raises(DatasetGone):
        field_statistics(dataset.pk)
    assert not DatasetStatistics.objects.exists()


def test_fields_are_counted_up_to_a_limit(dataset, monkeypatch):
    monkeypatch.setattr(statistics, "MAX_FIELDS", 3)
    push(dataset.pk, json.dumps([{"a": 1, "n" * 201: 1, "b": 1}, {"c": 1, "d": 1, "a": 2}]).encode())
    assert list(field_statistics(dataset.pk)) == ["a", "b", "c"]
    push(dataset.pk, b'{"e":1,"a":7}')
    assert list(field_statistics(dataset.pk)) == ["a", "b", "c"]
    assert field_statistics(dataset.pk)["a"] == of(1, 7)


def test_a_reader_who_has_gone_is_noticed_and_what_was_counted_is_kept(dataset, monkeypatch):
    monkeypatch.setattr(chunks, "TARGET_WEIGHT", 100)
    monkeypatch.setattr(chunks, "FULL_WEIGHT", 50)
    push(dataset.pk, b"[%b]" % b",".join(b'{"a":%d}' % number for number in range(100)))
    asked = []

    def still_wanted() -> bool:
        asked.append(True)
        return len(asked) < 4

    with pytest.raises(ReaderGone):
        field_statistics(dataset.pk, still_wanted=still_wanted)
    third = Dataset.objects.get(pk=dataset.pk).chunks.order_by("end_offset")[2]
    assert DatasetStatistics.objects.get(pk=dataset.pk).item_count == third.end_offset < 100
    assert field_statistics(dataset.pk) == {"a": of(0, 99)}


def test_a_reader_who_was_never_there_leaves_nothing_counted_twice(dataset):
    push(dataset.pk, b'[{"a":1},{"a":2}]')
    with pytest.raises(ReaderGone):
        field_statistics(dataset.pk, still_wanted=lambda: False)
    push(dataset.pk, b'{"a":3}')
    assert field_statistics(dataset.pk) == {"a": of(1, 3)}
