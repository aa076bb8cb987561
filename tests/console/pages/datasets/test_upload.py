"""Uploading a file into a dataset: all of it or nothing, and an error that names its line."""

import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.pages.datasets import upload as dataset_upload
from resources.datasets import uploading
from resources.datasets.reading import item_objects
from resources.datasets.uploading import InvalidFile, add_file
from resources.kinds import Kind
from resources.models import Dataset
from sharing.permissions import Permission

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def dataset(ada, make_resource):
    return make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")


@pytest.fixture
def small(monkeypatch) -> None:
    """Read and push in pieces so small that everything is cut somewhere."""
    monkeypatch.setattr(uploading, "READ_BYTES", 3)
    monkeypatch.setattr(uploading, "BATCH_BYTES", 20)


def add(dataset: Dataset, content: bytes, format_: str = "json") -> list[dict[str, object]]:
    count = add_file(dataset.pk, io.BytesIO(content), format_)
    found = item_objects(dataset.pk, 0, 1000)
    assert len(found) == count
    return found


def refusal(dataset: Dataset, content: bytes, format_: str) -> str:
    with pytest.raises(InvalidFile) as refused:
        add_file(dataset.pk, io.BytesIO(content), format_)
    assert Dataset.objects.get(pk=dataset.pk).item_count == 0
    assert not dataset.chunks.exists()
    return str(refused.value)


# Refusals.


def test_who_may_not_write_may_not_upload(client, ben, cleo, give, signed_in, dataset):
    url = f"{dataset.console_path}/upload"
    assert client.get(url).status_code == 302
    assert signed_in(cleo).get(url).status_code == 404
    give(dataset, ben, Permission.READ.name, Permission.MANAGE_ACCESS_RIGHTS.name)
    for method in ("get", "post"):
        file = SimpleUploadedFile("a.json", b'[{"a": 1}]')
        assert getattr(signed_in(ben), method)(url, {"file": file}).status_code == 403
    assert "/upload" not in signed_in(ben).get(dataset.console_path).content.decode()
    assert Dataset.objects.get().item_count == 0


BAD_JSON = [
    (b"", "line 1: the file must be a json array"),
    (b"  \n ", "line 2: the file must be"),
    (b"1", "line 1: the file must be"),
    (b'"x"', "line 1: the file must be"),
    (b'[{"a": 1},\n\n 2]', "line 3: the array ends with something"),
    (b'[{"a": 1},\n[{"b": 2}]]', "line 2: every item must be"),
    (b'[{"a": 1}\n{"b": 2}]', "line 2: every item must be"),
    (b'[{"a": 1},,{"b": 2}]', "line 1: every item must be"),
    (b'[{"a": 1},]', "line 1: the array ends with"),
    (b'[,{"a": 1}]', "line 1: every item must be"),
    (b'[{"a": 1}] x', "line 1: something follows"),
    (b'[{"a": 1}][{"a": 2}]', "line 1: something follows"),
    (b'[{"a": 1},\n{"a": ', "line 2: the file ends too early"),
    (b'[{"a": "x\n', "line 2: the file ends too early"),
    (b'[{"a": 1},\n{"a": x}]', "line 2: the item is not valid json"),
    (b'[{"a": 1},\n{"a": [}]}]', "line 2: every item must be"),
    (b'[{"a": 1},\n{"a": "\xff"}]', "line 2: the item is not valid utf-8"),
    (b'[{"a": 1},\n' + b'{"a": ' * 300 + b"1" + b"}" * 300 + b"]", "line 2: the item has more than 256 levels"),
    (b'{"a": 1} {"b": 2}', "line 1: the item is not valid json"),
    (b"[]", "the file holds no items"),
]


@pytest.mark.parametrize(("content", "message"), BAD_JSON)
@pytest.mark.parametrize("pieces", ["large", "small"])
def test_json_that_is_wrong_is_refused_with_its_line(dataset, request, content, message, pieces):
    if pieces == "small":
        request.getfixturevalue("small")
    assert refusal(dataset, content, "json").lower().startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n\n", "the file holds no items"),
        (b'{"a": 1}\n\n[1]\n', "line 3: it is not a json object"),
        (b'{"a": 1}\n{"a": 1},{"b": 2}\n', "line 2: the item is not valid json"),
        (b'{"a": 1}\n{"a": \n', "line 2: the item is not valid json"),
        (b'{"a": 1}\n{"a": "\xff"}\n', "line 2: the item is not valid utf-8"),
    ],
)
def test_json_lines_that_are_wrong_are_refused_with_their_line(dataset, content, message):
    assert refusal(dataset, content, "jsonl").lower().startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: the first row has to name the fields"),
        (b"\n\n", "line 1: the first row has to name the fields"),
        (b"a,b\n", "the file holds no items"),
        (b"a,,c\n1,2,3\n", "line 1: column 2 has no title"),
        (b"a,b,a\n1,2,3\n", "line 1: there are two columns"),
        (b"a,b\n1,2\n1,2,3\n", "line 3: it has 3 cells, but there are 2 titles"),
        (b'a,b\n"1\n2",2\n1,2,3\n', "line 4: it has 3 cells"),
        (b'a,b\n1,2\n"1,2\n', "line 3: "),
        (b'a,b\n1,"x"y\n', "line 2: "),
        (b"a,b\n1,\xff\n", "line 2: it is not utf-8"),
    ],
)
def test_csv_that_is_wrong_is_refused_with_its_line(dataset, content, message):
    assert refusal(dataset, content, "csv").lower().startswith(message)


@pytest.mark.parametrize(
    ("format_", "content"),
    [
        ("json", b'[{"a": "' + b"x" * 4000 + b'"}]'),
        ("json", b"[" + b" " * 4000 + b"{}]"),
        ("jsonl", b'{"a": "' + b"x" * 4000 + b'"}'),
        ("csv", b"a\n" + b"x" * 4000),
        ("csv", b'a\n"' + b"x\n" * 4000),
    ],
)
def test_an_item_that_is_too_large_is_refused(dataset, monkeypatch, format_, content):
    monkeypatch.setattr(uploading, "MAX_ITEM_BYTES", 2000)
    monkeypatch.setattr(uploading, "READ_BYTES", 500)
    limit = uploading.csv.field_size_limit(2000)
    try:
        refusal(dataset, content, format_)
    finally:
        uploading.csv.field_size_limit(limit)


def test_a_mistake_at_the_end_leaves_nothing_of_the_start(dataset, small):
    content = b'{"n": 1}\n' * 500 + b"x"
    assert refusal(dataset, content, "jsonl") == "Line 501: it is not a JSON object."


def test_a_failure_in_the_midst_of_the_pushes_leaves_nothing(dataset, small, monkeypatch):
    pushes = []

    def push(dataset_id, payload, **options):
        if len(pushes) == 3:
            raise OSError("the disk is full")
        pushes.append(payload)
        return original(dataset_id, payload, **options)

    original = uploading.push
    monkeypatch.setattr(uploading, "push", push)
    with pytest.raises(OSError, match="full"):
        add_file(dataset.pk, io.BytesIO(b'{"n": 1}\n' * 100), "jsonl")
    assert len(pushes) == 3
    assert Dataset.objects.get().item_count == 0
    assert not dataset.chunks.exists()


@pytest.mark.parametrize(
    ("name", "format_", "content", "message"),
    [
        ("a.json", "", b"", "The file is empty."),
        ("a.txt", "", b"{}", "Choose its format."),
        ("a.json", "xml", b"{}", "Select a valid choice"),
        ("a.json", "", b"[1]", "Line 1: "),
    ],
)
def test_a_form_that_is_wrong_says_so_beside_the_field(ada, signed_in, dataset, name, format_, content, message):
    for headers in ({}, HTMX):
        data = {"file": SimpleUploadedFile(name, content), "format": format_}
        response = signed_in(ada).post(f"{dataset.console_path}/upload", data, headers=headers)
        assert response.status_code == 422
        assert message in response.content.decode()
    assert Dataset.objects.get().item_count == 0


def test_a_form_without_a_file_is_refused(ada, signed_in, dataset):
    response = signed_in(ada).post(f"{dataset.console_path}/upload", {"file": "text"})
    assert response.status_code == 422
    assert "Choose a file." in response.content.decode()


def test_a_file_that_is_too_large_is_refused(ada, signed_in, dataset, monkeypatch):
    monkeypatch.setattr(dataset_upload, "MAX_BYTES", 5)
    data = {"file": SimpleUploadedFile("a.json", b'[{"a": 1}]')}
    response = signed_in(ada).post(f"{dataset.console_path}/upload", data)
    assert response.status_code == 422
    assert "The file is larger than" in response.content.decode()


# Features.


@pytest.mark.parametrize("pieces", ["large", "small"])
@pytest.mark.parametrize(
    ("format_", "content", "expected"),
    [
        ("json", b'[{"a": 1}, {"b": [{"c": "]}\\"{"}]}]', [{"a": 1}, {"b": [{"c": ']}"{'}]}]),
        ("json", b'\xef\xbb\xbf \n{"a":\n {"b": []}}\n', [{"a": {"b": []}}]),
        ("json", b'[\n{"a": "\\\\"},\r\n{}\n]\n', [{"a": "\\"}, {}]),
        ("jsonl", b'\xef\xbb\xbf{"a": 1}\r\n\n  {"b": "\xc3\xa9"}', [{"a": 1}, {"b": "é"}]),
        ("csv", b"\xef\xbb\xbfa,b\r\n1,x\r\n", [{"a": "1", "b": "x"}]),
        ("csv", b'a;b\n"1;\n2";"x""y"\n\n3\n', [{"a": "1;\n2", "b": 'x"y'}, {"a": "3"}]),
        ("csv", b' a \t"b,c,d"\n007\t\xc3\xa9\n', [{"a": "007", "b,c,d": "é"}]),
    ],
)
def test_items_come_out_as_they_are_in_the_file(dataset, request, format_, content, expected, pieces):
    if pieces == "small":
        request.getfixturevalue("small")
    assert add(dataset, content, format_) == expected


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    items=st.lists(st.dictionaries(st.text(), VALUES, max_size=3), min_size=1, max_size=5),
    indent=st.sampled_from([None, 1]),
    piece=st.integers(1, 40),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_array_is_cut_into_its_items_wherever_it_is_read(dataset, items, indent, piece):
    text = json.dumps(items, indent=indent, ensure_ascii=False).encode("utf-8", "replace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uploading, "READ_BYTES", piece)
        found = [json.loads(item) for _, item in uploading.READERS["json"](io.BytesIO(text))]
    assert found == json.loads(text)


def test_an_upload_leads_to_the_dataset_and_says_how_many_items_were_added(ada, signed_in, dataset):
    browser = signed_in(ada)
    for headers in ({}, HTMX):
        data = {"file": SimpleUploadedFile("new prices.CSV", b"item,price\nbread,2.4\n")}
        response = browser.post(f"{dataset.console_path}/upload", data, headers=headers)
        assert response.get("HX-Redirect") == (dataset.console_path if headers else None)
        assert "1 item was added from new prices.CSV." in browser.get(dataset.console_path).content.decode()
    assert item_objects(dataset.pk, 0, 9) == [{"item": "bread", "price": "2.4"}] * 2


def test_a_writer_uploads_what_is_called_otherwise_by_naming_its_format(ben, give, signed_in, dataset):
    give(dataset, ben, Permission.WRITE.name)
    data = {"file": SimpleUploadedFile("items.txt", b'{"a": 1}'), "format": "jsonl"}
    assert signed_in(ben).post(f"{dataset.console_path}/upload", data).status_code == 302
    assert Dataset.objects.get().item_count == 1


def test_many_items_go_in_few_pushes(dataset):
    content = b"[" + b",\n".join(b'{"n": %d}' % number for number in range(50_000)) + b"]"
    assert add_file(dataset.pk, io.BytesIO(content), "json") == 50_000
    found = Dataset.objects.get()
    assert (found.item_count, found.write_count) == (50_000, 1)
    assert item_objects(dataset.pk, 49_999, 1) == [{"n": 49_999}]
