"""The page of what is shared with me."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from resources.kinds import Kind
from sharing import grants
from sharing.issues import issues
from sharing.models import Issue
from sharing.permissions import Permission


def rows_of(response) -> list[list[str]]:
    """The cells of the table, as a person reads them."""
    body = re.search(r"<tbody>(.*)</tbody>", response.content.decode(), re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL) if body else []
    return [[_text(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows]


def _text(markup: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", markup))).strip()


# Refusals


def test_nobody_is_led_through_sign_in(client, db):
    response = client.get("/shared")
    assert response.status_code == 302
    assert response["Location"] == "/sign-in?next=/shared"


def test_what_one_owns_or_reaches_by_a_link_alone_is_not_listed(ada, ben, make_resource, signed_in):
    make_resource(Kind.DATASET, ben, name="mine")
    make_resource(Kind.DATASET, ada, name="open", general_access="ANYONE_WITH_ID_CAN_READ")
    make_resource(Kind.ACTOR, ada, name="public", is_public=True)
    response = signed_in(ben).get("/shared")
    assert rows_of(response) == []
    assert "Nothing is shared with you yet" in response.content.decode()
    assert ben.pk in response.content.decode()


@pytest.mark.parametrize(
    "query", ["kind=nothing", "kind=%00", "page=0", "page=-1", "page=x", "page=99999999999999999999"]
)
def test_a_strange_query_shows_the_list(query, ada, ben, make_resource, give, signed_in):
    give(make_resource(Kind.DATASET, ada, name="prices"), ben)
    response = signed_in(ben).get(f"/shared?{query}")
    assert response.status_code == 200
    assert len(rows_of(response)) == 1


# What works


def test_it_says_who_shared_it_and_how(ada, ben, cleo, dan, make_resource, give, signed_in):
    dataset = make_resource(Kind.DATASET, ada, name="prices")
    give(dataset, cleo, "MANAGE_ACCESS_RIGHTS")
    grants.grant(dataset, ben, Permission.READ, by=cleo.principal)
    crawler = make_resource(Kind.ACTOR, ada, name="prices-crawler")
    give(crawler, ben, "BUILD", "VIEW_OWNER_RUNS")
    build = make_resource(Kind.BUILD, ada, actor=crawler)
    run = make_resource(Kind.RUN, ada, actor=crawler)
    store = make_resource(Kind.KEY_VALUE_STORE, ada, run=run)
    task = make_resource(Kind.TASK, dan, name="nightly")
    give(task, ben, "VIEW_OWNER_RUNS")
    of_task = make_resource(Kind.RUN, dan, task=task)
    shop = make_resource(Kind.ACTOR, ben, name="shop", is_public=True)
    attached = make_resource(Kind.RUN, ada, actor=shop)
    issue = Issue.objects.create(actor=shop, author=ada, title="Prices missing")
    issues.attach_run(issue, attached, by=ada.principal)
    dan.share_runs_with_actor_creators = True
    dan.save()
    created = make_resource(Kind.RUN, dan, actor=shop)
    found = {row[0].split()[-1]: row for row in rows_of(signed_in(ben).get("/shared"))}
    assert {id_: row[2:4] for id_, row in found.items()} == {
        dataset.pk: ["ada", "Can read shared by cleo"],
        crawler.pk: ["ada", "Can read, build and view the owner's runs shared by ada"],
        build.pk: ["ada", "Can read and write through the Actor prices-crawler"],
        run.pk: ["ada", "Can read through the Actor prices-crawler (view owner runs)"],
        store.pk: ["ada", f"Can read via the shared run {run.pk}"],
        task.pk: ["dan", "Can read and view the owner's runs shared by dan"],
        of_task.pk: ["dan", "Can read through the task nightly (view owner runs)"],
        attached.pk: ["ada", "Can read attached to issue 'Prices missing'"],
        created.pk: ["dan", "Can read through your Actor shop, as its creator"],
    }


def test_every_row_leads_to_a_page_that_opens(ada, ben, make_resource, give, signed_in):
    for kind in Kind:
        give(make_resource(kind, ada), ben)
    client = signed_in(ben)
    shown = client.get("/shared").content.decode()
    paths = re.findall(r'<th scope="row" class="name">\s*<a [^>]*href="([^"]+)"', shown)
    assert len(paths) == len(Kind)
    assert {client.get(path).status_code for path in paths} == {200}


def test_it_can_be_narrowed_to_a_kind(ada, ben, make_resource, give, signed_in):
    for kind in (Kind.DATASET, Kind.ACTOR):
        give(make_resource(kind, ada, name=f"of-{kind.lower()}"), ben)
    client = signed_in(ben)
    assert [row[1] for row in rows_of(client.get("/shared?kind=dataset"))] == ["Dataset"]
    assert "No tasks are shared with you" in client.get("/shared?kind=task").content.decode()


def test_it_is_paged_newest_first(ada, ben, make_resource, give, signed_in, monkeypatch):
    monkeypatch.setattr("console.pages.components.listing.ROWS", 2)
    names: list[str] = []
    for number in range(5):
        give(make_resource(Kind.DATASET, ada, name=f"number-{number}"), ben)
        names.insert(0, f"number-{number}")
    client = signed_in(ben)
    pages = [rows_of(client.get(f"/shared?page={page}")) for page in (1, 2, 3)]
    assert [row[0].split()[0] for page in pages for row in page] == names
    assert [len(page) for page in pages] == [2, 2, 1]


def test_it_counts_only_so_far_and_says_so(ada, ben, make_resource, give, signed_in, monkeypatch):
    monkeypatch.setattr("console.pages.components.listing.ROWS", 2)
    monkeypatch.setattr("console.pages.components.tables.MOST_COUNTED", 4)
    for _ in range(7):
        give(make_resource(Kind.DATASET, ada), ben)
    client = signed_in(ben)

    def foot(page: int) -> str:
        body = client.get(f"/shared?kind=dataset&page={page}").content.decode()
        [found] = re.findall(r'<nav class="pagination".*?</nav>', body, re.DOTALL)
        return _text(found).replace("\N{EN DASH}", "-")

    assert foot(1) == "1-2 of more than 4 resources Page 1 of more than 2 Next"
    assert foot(2) == "3-4 of more than 6 resources Previous Page 2 of more than 3 Next"
    assert foot(3) == "5-6 of 7 resources Previous Page 3 of 4 Next"
    assert foot(9) == "7-7 of 7 resources Previous Page 4 of 4"


def test_its_cost_does_not_grow_with_the_rows(ada, ben, make_resource, give, signed_in):
    client = signed_in(ben)
    client.get("/shared")  # the first request of a session notes where it comes from
    crawler = make_resource(Kind.ACTOR, ada, name="crawler")
    give(crawler, ben, "VIEW_OWNER_RUNS")
    counts = []
    for _ in range(4):
        run = make_resource(Kind.RUN, ada, actor=crawler)
        make_resource(Kind.DATASET, ada, run=run)
        give(make_resource(Kind.DATASET, ada), ben)
        with CaptureQueriesContext(connection) as queries:
            client.get("/shared")
        counts.append(len(queries))
    assert len(set(counts)) == 1
