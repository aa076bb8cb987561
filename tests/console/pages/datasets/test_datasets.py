"""The pages of datasets: who is refused and how, what bad input gets, then what they show and do."""

import json

import pytest

from console.pages.components.cells import LONGEST_VALUE, build_cell, build_table
from console.pages.components.tables import Paging
from resources.datasets.formats.csv_formulas import without_formulas
from resources.datasets.writing import push
from resources.kinds import Kind
from resources.models import Dataset, GeneralAccess
from sharing.permissions import Permission
from tests.support.factories import give

pytestmark = pytest.mark.django_db

PAGES = ("", "/api", "/download?format=json")
CHANGES = ("/rename", "/delete")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def dataset(ada, make_resource):
    made = make_resource(Kind.DATASET, ada, name="prices", general_access=GeneralAccess.RESTRICTED)
    push(made.pk, json.dumps([{"item": "bread", "price": 2.4, "#debug": {"try": 1}}, {"item": "milk"}]).encode())
    return Dataset.objects.get(pk=made.pk)


# Refusals


@pytest.mark.parametrize("path", [*PAGES, *CHANGES])
def test_nobody_is_sent_to_sign_in_and_back_whatever_the_level(client, dataset, path):
    Dataset.objects.update(general_access=GeneralAccess.ANYONE_WITH_ID_CAN_READ)

    response = client.get(dataset.console_path + path)

    assert response.status_code == 302
    assert f"next={dataset.console_path}{path.split('?')[0]}" in response.url


@pytest.mark.parametrize("path", [*PAGES, *CHANGES])
def test_a_stranger_sees_the_same_as_for_what_does_not_exist(cleo, signed_in, dataset, path):
    browser = signed_in(cleo)

    there = browser.get(dataset.console_path + path)
    nowhere = browser.get("/storage/datasets/00000000000000000" + path)

    assert there.status_code == nowhere.status_code == 404
    assert there.content.replace(dataset.pk.encode(), b"0" * 17).count(b"prices") == 0


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("permissions", [Permission.READ, Permission.READ | Permission.MANAGE_ACCESS_RIGHTS])
def test_a_reader_has_no_buttons_to_change_it_and_is_refused(ben, signed_in, dataset, path, permissions):
    give(dataset, ben, permissions)
    browser = signed_in(ben)

    page = browser.get(dataset.console_path).content.decode()
    assert f'href="{dataset.console_path}{path}"' not in page
    assert browser.get(dataset.console_path + path).status_code == 403
    assert browser.post(dataset.console_path + path, {"name": "mine"}).status_code == 403
    assert Dataset.objects.get().name == "prices"


def test_a_token_never_opens_a_page(ada, token_of, client, dataset):
    response = client.get(dataset.console_path, headers={"Authorization": f"Bearer {token_of(ada)}"})

    assert response.status_code == 302


def test_a_form_without_a_csrf_token_changes_nothing(ada, dataset):
    from django.test import Client

    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")

    assert browser.post(f"{dataset.console_path}/delete").status_code == 403
    assert browser.post("/storage/datasets/new", {"name": "x"}).status_code == 403
    assert Dataset.objects.count() == 1


# Bad input


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "1e3", "9" * 400, "²", "%00", "2.5"])
def test_a_bad_page_number_is_a_page_that_there_is(ada, signed_in, dataset, page):
    browser = signed_in(ada)

    assert browser.get(f"/storage/datasets?page={page}").status_code == 200
    assert browser.get(f"{dataset.console_path}?page={page}").status_code == 200


@pytest.mark.parametrize(
    "query", ["q=%00", "q=" + "x" * 5000, "q=%25_!", "q=%ff%fe", "ownership=%00", "ownership=none"]
)
def test_a_bad_filter_is_no_error(ada, signed_in, dataset, query):
    assert signed_in(ada).get(f"/storage/datasets?{query}").status_code == 200


@pytest.mark.parametrize(
    "query", ["format=exe", "format=csv&limit=x", "format=csv&delimiter=ab", "format=%00", "offset=-1"]
)
def test_a_download_that_makes_no_sense_is_refused_with_what_is_wrong(ada, signed_in, dataset, query):
    response = signed_in(ada).get(f"{dataset.console_path}/download?{query}")

    assert response.status_code == 400
    assert b"Invalid value of" in response.content


@pytest.mark.parametrize("name", ["a b", "-a", "x" * 64, "x" * 100_000, "é", "a\x00b", "../etc", "<b>"])
@pytest.mark.parametrize("path", ["/storage/datasets/new", "rename"])
def test_what_cannot_be_a_name_is_said_beside_the_field_and_kept(ada, signed_in, dataset, name, path):
    url = path if path.startswith("/") else f"{dataset.console_path}/{path}"

    response = signed_in(ada).post(url, {"name": name}, headers=HTMX)

    assert response.status_code == 422
    assert 'id="id_name_error"' in response.content.decode()
    assert [each.name for each in Dataset.objects.all()] == ["prices"]


def test_a_name_that_is_taken_is_refused(ada, signed_in, dataset, make_resource):
    other = make_resource(Kind.DATASET, ada, name="offers")
    browser = signed_in(ada)

    for url in ("/storage/datasets/new", f"{other.console_path}/rename"):
        response = browser.post(url, {"name": "prices"})
        assert response.status_code == 422
        assert "Choose another name" in response.content.decode()
    assert sorted(each.name for each in Dataset.objects.all()) == ["offers", "prices"]


@pytest.mark.parametrize("url", ["/", "/storage/datasets", *PAGES])
def test_a_page_that_only_shows_is_not_posted_to(ada, signed_in, dataset, url):
    url = url if url == "/" or url.startswith("/storage") else dataset.console_path + url

    assert signed_in(ada).post(url).status_code == 405


# The list


def test_the_list_shows_mine_and_shared_and_nothing_that_is_merely_open(ada, ben, cleo, signed_in, make_resource):
    make_resource(Kind.DATASET, ada, name="of-ada")
    give(make_resource(Kind.DATASET, ben, name="of-ben"), ada)
    make_resource(Kind.DATASET, cleo, name="of-cleo", general_access=GeneralAccess.ANYONE_WITH_NAME_CAN_READ)
    browser = signed_in(ada)

    def names(query=""):
        return {row.resource.name for row in browser.get(f"/storage/datasets{query}").context["rows"]}

    assert names() == {"of-ada", "of-ben"}
    assert names("?ownership=mine") == {"of-ada"}
    assert names("?ownership=shared") == {"of-ben"}
    assert names("?q=BEN") == {"of-ben"}
    assert names("?q=cleo") == set()


def test_a_row_says_the_level_that_holds_and_where_it_comes_from(make_account, signed_in, make_resource):
    eve = make_account("eve", general_access=GeneralAccess.RESTRICTED)
    run = make_resource(Kind.RUN, eve, general_access=GeneralAccess.ANYONE_WITH_ID_CAN_READ)
    make_resource(Kind.DATASET, eve, name="follows-account")
    make_resource(Kind.DATASET, eve, name="follows-run", run=run)
    make_resource(Kind.DATASET, eve, name="own", general_access=GeneralAccess.ANYONE_WITH_NAME_CAN_READ)

    rows = signed_in(eve).get("/storage/datasets").context["rows"]

    assert {row.resource.name: (row.badge.level, row.badge.source) for row in rows} == {
        "follows-account": ("RESTRICTED", "from the account"),
        "follows-run": ("ANYONE_WITH_ID_CAN_READ", "from its run"),
        "own": ("ANYONE_WITH_NAME_CAN_READ", ""),
    }


def test_who_cannot_manage_access_sees_no_level_but_how_it_is_shared(ada, ben, signed_in, make_resource):
    read = make_resource(Kind.DATASET, ben, name="read", general_access=GeneralAccess.RESTRICTED)
    managed = make_resource(Kind.DATASET, ben, name="managed", general_access=GeneralAccess.RESTRICTED)
    give(read, ada)
    give(managed, ada, "READ", "MANAGE_ACCESS_RIGHTS")
    browser = signed_in(ada)

    rows = {row.resource.name: row for row in browser.get("/storage/datasets").context["rows"]}
    assert (rows["read"].badge, rows["read"].how) == (None, "shared by ben")
    assert (rows["managed"].badge.level, rows["managed"].how) == ("RESTRICTED", "")
    assert browser.get("/").content.decode().count("badge-restricted") == 1
    assert "badge-restricted" not in browser.get(read.console_path).content.decode()
    assert "badge-restricted" in browser.get(managed.console_path).content.decode()


def test_a_row_offers_only_what_one_may_do(ada, ben, signed_in, make_resource):
    written = make_resource(Kind.DATASET, ben, name="written")
    read = make_resource(Kind.DATASET, ben, name="read")
    give(written, ada, "READ", "WRITE")
    give(read, ada)

    text = signed_in(ada).get("/storage/datasets").content.decode()

    assert f'href="{written.console_path}/rename"' in text
    assert f'href="{read.console_path}/share"' in text
    assert f'href="{read.console_path}/rename"' not in text


def test_named_only_leaves_out_what_has_no_name(ada, signed_in, make_resource):
    make_resource(Kind.DATASET, ada, name="named")
    make_resource(Kind.DATASET, ada)

    rows = signed_in(ada).get("/storage/datasets?named=1").context["rows"]

    assert [row.resource.name for row in rows] == ["named"]


def test_the_queries_of_the_list_do_not_grow_with_its_rows(
    ada, ben, signed_in, make_resource, django_assert_num_queries
):
    browser = signed_in(ada)
    browser.get("/storage/datasets")  # the first request of a session is recorded

    def add(rows):
        for _ in range(rows):
            make_resource(Kind.DATASET, ada, run=make_resource(Kind.RUN, ada))
            give(make_resource(Kind.DATASET, ben), ada)

    add(3)
    with django_assert_num_queries(11):
        assert len(browser.get("/storage/datasets").context["rows"]) == 6
    add(27)
    with django_assert_num_queries(11):
        assert len(browser.get("/storage/datasets").context["rows"]) == 50


def test_htmx_is_given_the_rows_alone(ada, signed_in, dataset):
    response = signed_in(ada).get("/storage/datasets?q=pri", headers=HTMX)

    text = response.content.decode()
    assert "<html" not in text
    assert "prices" in text
    assert "1 dataset found" in text
    assert "HX-Request" in response.headers["Vary"]


def test_an_empty_list_says_what_to_do_next(cleo, signed_in):
    browser = signed_in(cleo)

    assert "New dataset" in browser.get("/storage/datasets").content.decode()
    assert "Show all datasets" in browser.get("/storage/datasets?q=x").content.decode()


# One dataset


def test_a_dataset_is_found_by_id_and_by_name(ada, signed_in, dataset):
    browser = signed_in(ada)

    for address in (dataset.pk, "ada~prices", "~prices"):
        text = browser.get(f"/storage/datasets/{address}").content.decode()
        assert "bread" in text
        assert dataset.pk in text


def test_the_table_has_the_fields_as_columns_and_hides_those_with_a_hash(ada, signed_in, dataset):
    browser = signed_in(ada)

    shown = browser.get(dataset.console_path).context["table"]
    everything = browser.get(f"{dataset.console_path}?hidden=1").context["table"]

    assert [column.name for column in shown.columns] == ["item", "price"]
    assert [column.name for column in everything.columns] == ["item", "price", "#debug"]
    assert [cell.form for cell in shown.rows[1].cells] == ["text", "missing"]
    assert [column.is_number for column in shown.columns] == [False, True]


def test_the_json_view_shows_item_by_item(ada, signed_in, dataset):
    browser = signed_in(ada)

    shown = browser.get(f"{dataset.console_path}?view=json").context["items"]
    everything = browser.get(f"{dataset.console_path}?view=json&hidden=1").context["items"]

    assert [json.loads(item.text) for item in shown] == [{"item": "bread", "price": 2.4}, {"item": "milk"}]
    assert json.loads(everything[0].text)["#debug"] == {"try": 1}


def test_items_come_in_pages(ada, signed_in, make_resource):
    made = make_resource(Kind.DATASET, ada)
    push(made.pk, json.dumps([{"n": n} for n in range(120)]).encode())

    rows = signed_in(ada).get(f"{made.console_path}?page=3").context["table"].rows

    assert [row.number for row in rows] == list(range(101, 121))
    assert rows[0].cells[0].text == "100"


def test_what_was_stored_is_text_on_the_page(ada, signed_in, make_resource):
    made = make_resource(Kind.DATASET, ada)
    hostile = {"<script>k": "<script>alert(1)</script>", "u": "javascript:alert(1)", "n": "\x00", "half": "\ud800"}
    push(made.pk, json.dumps([hostile]).encode())
    browser = signed_in(ada)

    for view in ("", "?view=json"):
        text = browser.get(made.console_path + view).content.decode()
        assert "<script>alert" not in text
        assert "<script>k" not in text
        assert 'href="javascript:' not in text


def test_somebody_it_is_shared_with_is_told_how_they_see_it(ada, ben, cleo, signed_in, dataset):
    give(dataset, ben, "READ", "WRITE")
    assert "it was shared with you" in signed_in(ben).get(dataset.console_path).content.decode()

    Dataset.objects.filter(pk=dataset.pk).update(general_access=GeneralAccess.ANYONE_WITH_ID_CAN_READ)
    assert "anyone with its ID" in signed_in(cleo).get(dataset.console_path).content.decode()
    assert signed_in(ada).get(dataset.console_path).context["why_visible"] == ""


def test_the_page_of_a_dataset_takes_as_many_queries_for_many_items(ada, signed_in, dataset, django_assert_num_queries):
    browser = signed_in(ada)
    browser.get("/")  # the first request of a session is recorded
    with django_assert_num_queries(5):
        browser.get(dataset.console_path)
    push(dataset.pk, json.dumps([{"n": n} for n in range(500)]).encode())
    with django_assert_num_queries(5):
        browser.get(dataset.console_path)


def test_the_samples_name_this_server_and_this_dataset(ada, signed_in, dataset, settings):
    text = signed_in(ada).get(f"{dataset.console_path}/api").content.decode()

    assert f"{settings.PUBLIC_URL}/v2/datasets/{dataset.pk}/items" in text


# Downloads


@pytest.mark.parametrize(("format_", "first"), [("json", b'[{"item"'), ("jsonl", b'{"item"'), ("csv", b"item,price")])
def test_a_download_is_an_attachment_that_cannot_run(ada, signed_in, dataset, format_, first):
    response = signed_in(ada).get(f"{dataset.console_path}/download?format={format_}")

    assert response.status_code == 200
    assert b"".join(response.streaming_content).removeprefix(b"\xef\xbb\xbf").startswith(first)
    assert response.headers["Content-Disposition"] == f'attachment; filename="prices.{format_}"'
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "private, no-store"


def test_a_spreadsheet_does_not_take_a_downloaded_cell_for_a_formula(ada, signed_in, make_resource):
    made = make_resource(Kind.DATASET, ada)
    push(made.pk, json.dumps([{"=a": "=1+1", "b": '@x "y", z', "c": -5, "d": "-1.5e3", "e": "a=b, -c"}]).encode())

    response = signed_in(ada).get(f"{made.console_path}/download?format=csv")

    text = b"".join(response.streaming_content).decode("utf-8-sig")
    assert text == '\'=a,b,c,d,e\r\n\'=1+1,"\'@x ""y"", z",-5,-1.5e3,"a=b, -c"\r\n'


@pytest.mark.parametrize(
    ("cells", "delimiter", "expected"),
    [
        (b"a;=b\r\n", ";", b"a;'=b\r\n"),
        (b'"=a\r\n=b",c\r\n', ",", b'"\'=a\r\n=b",c\r\n'),
        (b'"a\r\n=b",c\r\n', ",", b'"a\r\n=b",c\r\n'),
        (b"\tx,+1,+a\r\n", ",", b"'\tx,+1,'+a\r\n"),
        (b",,\r\n-\r\n", ",", b",,\r\n'-\r\n"),
    ],
)
def test_only_the_start_of_a_cell_counts(cells, delimiter, expected):
    assert b"".join(without_formulas([cells], delimiter)) == expected


# Changes


def test_creating_leads_to_the_new_dataset(ada, signed_in):
    response = signed_in(ada).post("/storage/datasets/new", {"name": "prices"}, headers=HTMX)

    made = Dataset.objects.get()
    assert (made.name, made.owner_id) == ("prices", ada.pk)
    assert response.headers["HX-Redirect"] == made.console_path


def test_without_a_script_the_dialogs_are_pages(ada, signed_in, dataset):
    browser = signed_in(ada)

    for url in ("/storage/datasets/new", *(f"{dataset.console_path}/{each}" for each in ("rename", "delete", "api"))):
        page = browser.get(url).content.decode()
        fragment = browser.get(url, headers=HTMX).content.decode()
        assert "<h1 " in page
        assert "<html" in page
        assert "<html" not in fragment
        assert "<h2 " in fragment
        assert 'id="dialog-title"' in fragment


def test_renaming_and_taking_the_name_away(ada, signed_in, dataset):
    browser = signed_in(ada)

    response = browser.post(f"{dataset.console_path}/rename", {"name": "offers"}, follow=True)
    assert "Renamed to “offers”" in response.content.decode()
    browser.post(f"{dataset.console_path}/rename", {"name": ""})

    assert Dataset.objects.get().name is None


def test_a_writer_who_is_not_the_owner_may_rename(ben, signed_in, dataset):
    give(dataset, ben, "READ", "WRITE")

    assert signed_in(ben).post(f"{dataset.console_path}/rename", {"name": "offers"}).status_code == 302
    assert Dataset.objects.get().name == "offers"


def test_deleting_asks_and_then_deletes(ada, signed_in, dataset):
    browser = signed_in(ada)

    asked = browser.get(f"{dataset.console_path}/delete").content.decode()
    assert "2 items" in asked
    assert Dataset.objects.exists()

    response = browser.post(f"{dataset.console_path}/delete", headers=HTMX)
    assert response.headers["HX-Redirect"] == "/storage/datasets"
    assert not Dataset.objects.exists()
    assert "was deleted" in browser.get("/storage/datasets").content.decode()


# The parts that need no request


def test_cells_of_every_form():
    assert [
        (cell.form, cell.text) for cell in map(build_cell, [None, True, 3, 2.5, "x", {"a": [1]}, "https://a.b"])
    ] == [
        ("null", "null"),
        ("boolean", "true"),
        ("number", "3"),
        ("number", "2.5"),
        ("text", "x"),
        ("nested", '{"a": [1]}'),
        ("link", "https://a.b"),
    ]


@pytest.mark.parametrize("number", ["1.50", "1E3", "-0", "0.12345678901234567890", "1e5", "0.30000000000000004"])
def test_a_number_is_shown_as_it_was_pushed(ada, signed_in, dataset, number):
    push(dataset.pk, b'{"price": %b, "nested": [%b]}' % (number.encode(), number.encode()))
    browser = signed_in(ada)
    rows = browser.get(dataset.console_path).context["table"].rows
    assert number in [cell.text for cell in rows[-1].cells]
    assert f"[{number}]" in [cell.text for cell in rows[-1].cells]
    assert f'"price": {number}' in browser.get(f"{dataset.console_path}?view=json").context["items"][-1].text


def test_numbers_beyond_python_are_shown_as_they_were_pushed(ada, signed_in, make_resource):
    made = make_resource(Kind.DATASET, ada)
    huge = "1" * 5000
    push(made.pk, b'[{"big": 123456789012345678901234567890, "far": 1e999, "in": [%b]}]' % huge.encode())
    browser = signed_in(ada)

    cells = browser.get(made.console_path).context["table"].rows[0].cells
    text = browser.get(f"{made.console_path}?view=json").context["items"][0].text

    assert [cell.text for cell in cells[:2]] == ["123456789012345678901234567890", "1e999"]
    assert '"big": 123456789012345678901234567890,' in text
    assert '"far": 1e999' in text
    assert huge in text


def test_a_long_value_is_cut_and_its_whole_is_there():
    short = build_cell("x" * 200)
    huge = build_cell("x" * 100_000)

    assert len(short.text) < 100
    assert short.whole == "x" * 200
    assert len(huge.whole) < LONGEST_VALUE + 100
    assert "100,000 characters" in huge.whole


def test_a_table_of_very_many_fields_says_how_many_it_left_out():
    item = {f"f{n}": n for n in range(500)}

    table = build_table([(1, item)], list(item), hidden=False)

    assert len(table.columns) + table.left_out == 500
    assert len(table.rows[0].cells) == len(table.columns) < 100


@pytest.mark.parametrize(
    ("text", "total", "number", "first", "last"),
    [("1", 0, 1, 0, 0), ("1", 10, 1, 1, 10), ("2", 101, 2, 51, 100), ("3", 101, 3, 101, 101), ("9", 101, 3, 101, 101)],
)
def test_pages(text, total, number, first, last):
    paging = Paging.of({"page": text}, total, 50)

    assert (paging.number, paging.first, paging.last) == (number, first, last)


def test_a_name_that_is_too_long_is_refused_with_a_reason_and_not_cut_by_the_browser(ada, signed_in, dataset):
    browser = signed_in(ada)
    assert "maxlength" not in browser.get(f"{dataset.console_path}/rename").content.decode()
    response = browser.post(f"{dataset.console_path}/rename", {"name": "a" * 64})
    assert response.status_code == 422
    assert "has 64" in response.content.decode()
