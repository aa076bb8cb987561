"""What is being sent is judged again every few seconds, and ends without its end when access has gone."""

import random
from datetime import timedelta

import pytest
from apify_client._utils.crypto import create_hmac_signature
from django.utils import timezone

from accounts.models import Account, ApiToken
from accounts.sign_in import sessions
from resources.datasets.writing import push
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.logs import following
from resources.logs.writing import append
from resources.models import GeneralAccess, Record, Resource
from resources.records import writing
from sharing.declare import Requires, requirement_for
from sharing.enforcement import reauthorize
from sharing.enforcement.access_gone import AccessGone
from sharing.issues import issues
from sharing.links import link_limits, links
from sharing.models import Grant, SignedLink
from sharing.signatures import SignedContent
from sharing.system_checks import iterate_views

pytestmark = pytest.mark.django_db
RESTRICTED = GeneralAccess.RESTRICTED
BYTES = random.Random(1).randbytes(1_000_000)
ITEM = b'{"text":"%b"}' % (b"x" * 1000)


@pytest.fixture
def clock(monkeypatch):
    """Return what moves the clock of judging by so many seconds."""
    now = [1000.0]
    monkeypatch.setattr(reauthorize, "clock", lambda: now[0])

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


@pytest.fixture
def store(ada, make_resource):
    made = make_resource(Kind.KEY_VALUE_STORE, ada, name="files", general_access=RESTRICTED)
    writing.write(made.pk, "FILE", [BYTES], content_type="image/png")
    return made


@pytest.fixture
def record(store):
    return f"/v2/key-value-stores/{store.pk}/records/FILE"


def is_cut(response, take, clock, *, late: float = 5.0) -> bool:
    """Take access away after the first piece, and tell whether the answer breaks off `late` seconds later."""
    assert (response.status_code, response.streaming) == (200, True), response
    pieces = iter(response.streaming_content)
    next(pieces)
    clock(5)
    next(pieces)  # judged and allowed
    take()
    clock(4.9)
    next(pieces)  # it is not time yet
    clock(late - 4.9)
    try:
        for _ in pieces:
            pass
    except AccessGone:
        return True
    return False


# What takes access away


def test_a_grant_that_is_removed(api, ben, give, store, record, clock):
    give(store, ben)
    assert is_cut(api(ben).get(record), Grant.objects.all().delete, clock)


def test_a_grant_that_ends(api, ben, give, store, record, clock, monkeypatch):
    """By its time alone: nothing is written."""
    ends_at = timezone.now() + timedelta(hours=1)
    give(store, ben)
    Grant.objects.update(expires_at=ends_at)
    assert is_cut(api(ben).get(record), lambda: monkeypatch.setattr(timezone, "now", lambda: ends_at), clock)


@pytest.mark.parametrize("who", [None, "ben"])
def test_general_access_that_is_tightened(api, ben, store, record, clock, who):
    Resource.objects.update(general_access=GeneralAccess.ANYONE_WITH_ID_CAN_READ)
    response = (api(ben) if who else api()).get(record)
    assert is_cut(response, lambda: Resource.objects.update(general_access=RESTRICTED), clock)


def test_a_level_that_is_about_names(api, store, clock):
    Resource.objects.update(general_access=GeneralAccess.ANYONE_WITH_NAME_CAN_READ)
    response = api().get("/v2/key-value-stores/ada~files/records/FILE")
    by_id = GeneralAccess.ANYONE_WITH_ID_CAN_READ
    assert is_cut(response, lambda: Resource.objects.update(general_access=by_id), clock)


def test_a_name_that_another_store_has_now(api, ada, ben, give, make_resource, store, clock):
    """Who reads by a grant goes on, and who read by the name does not."""
    Resource.objects.update(general_access=GeneralAccess.ANYONE_WITH_NAME_CAN_READ)
    give(store, ben)

    def rename():
        Resource.objects.update(name="others", general_access=RESTRICTED)

    for client, cut in ((api(), True), (api(ben), False)):
        Resource.objects.update(name="files", general_access=GeneralAccess.ANYONE_WITH_NAME_CAN_READ)
        response = client.get("/v2/key-value-stores/ada~files/records/FILE")
        assert is_cut(response, rename, clock) is cut


def test_the_level_of_an_account(api, ada, store, record, clock):
    Resource.objects.update(general_access=GeneralAccess.FOLLOW_USER_SETTING)
    response = api().get(record)
    assert is_cut(response, lambda: Account.objects.update(general_access=RESTRICTED), clock)


@pytest.mark.parametrize(
    "change",
    [
        lambda: ApiToken.objects.update(revoked_at=timezone.now()),
        lambda: ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1)),
        lambda: ApiToken.objects.update(scope=[]),
        lambda: ApiToken.objects.all().delete(),
        lambda: Account.objects.update(is_active=False),
        lambda: Resource.objects.all().delete(),
    ],
    ids=["revoked", "expired", "narrowed", "deleted", "account suspended", "store deleted"],
)
def test_a_token_or_an_account_that_ends(api, ada, record, clock, change):
    assert is_cut(api(ada).get(record), change, clock)


@pytest.mark.parametrize("how", ["ended", "signed out", "suspended", "password changed"])
def test_a_session_that_ends(ada, signed_in, store, clock, how):
    browser = signed_in(ada)
    browser.get("/")  # notes the session
    ends = {
        "ended": lambda: sessions.end(ada, sessions.list_sessions(ada, None)[0].id, by=ada.principal),
        "signed out": browser.logout,
        "suspended": lambda: Account.objects.update(is_active=False),
        "password changed": lambda: (ada.set_password("another good one"), ada.save()),
    }
    response = browser.get(f"{store.console_path}/records/FILE/content")
    assert is_cut(response, ends[how], clock)


@pytest.mark.parametrize("how", ["revoked", "all revoked", "expired", "maker lost access"])
def test_a_signature_that_ends(api, ada, store, record, clock, how, monkeypatch):
    link, signature = links.create(store, SignedContent.RECORD, timedelta(days=1), by=ada.principal, record_key="FILE")
    tomorrow = timezone.now() + timedelta(days=2)
    ends = {
        "revoked": lambda: links.revoke(link, by=ada.principal),
        "all revoked": lambda: links.revoke_all(store, by=ada.principal),
        "expired": lambda: monkeypatch.setattr(timezone, "now", lambda: tomorrow),
        "maker lost access": lambda: Account.objects.update(is_active=False),
    }
    assert is_cut(api().get(f"{record}?signature={signature}"), ends[how], clock)


@pytest.mark.parametrize(
    "how", [None, "grant revoked", "grant ended", "token revoked", "suspended", "all revoked", "cap", "expired"]
)
@pytest.mark.parametrize("made_by", ["client", "server", "token"])
def test_what_a_collaborator_signed_or_asks_for_is_judged_again_alike(
    api, ada, ben, give, store, record, clock, made_by, how, monkeypatch
):
    """A stream that Ben's signature opened ends by the same rules as one that Ben's token opened."""
    give(store, ben, "WRITE")
    client = api(ben)
    key = client.get(f"/v2/key-value-stores/{store.pk}").json()["data"]["urlSigningSecretKey"]
    keys_path = f"/v2/key-value-stores/{store.pk}/keys"
    [listed] = client.get(keys_path).json()["data"]["items"]
    tomorrow = timezone.now() + timedelta(days=20)
    urls = {
        "client": f"{record}?signature={create_hmac_signature(key, 'FILE')}",
        "server": listed["recordPublicUrl"],
        "token": record,
    }
    ends = {
        None: lambda: None,
        "grant revoked": Grant.objects.all().delete,
        "grant ended": lambda: Grant.objects.update(expires_at=timezone.now()),
        "token revoked": lambda: ApiToken.objects.update(revoked_at=timezone.now()),
        "suspended": lambda: Account.objects.filter(pk=ben.pk).update(is_active=False),
        "all revoked": lambda: links.revoke_all(store, by=ada.principal),
        "cap": lambda: link_limits.set_cap(ada, 1, by=ada.principal),
        "expired": lambda: monkeypatch.setattr(timezone, "now", lambda: tomorrow),
    }
    ended = {
        "client": {"grant revoked", "grant ended", "token revoked", "suspended", "all revoked", "cap"},
        "server": {"grant revoked", "grant ended", "token revoked", "suspended", "all revoked", "cap", "expired"},
        "token": {"grant revoked", "grant ended", "token revoked", "suspended"},
    }
    response = (client if made_by == "token" else api()).get(urls[made_by])
    assert is_cut(response, ends[how], clock) is (how in ended[made_by])


def test_a_signature_that_is_judged_again_was_used_once(api, ada, store, record, clock):
    _, signature = links.create(store, SignedContent.RECORD, timedelta(days=1), by=ada.principal, record_key="FILE")
    response = api().get(f"{record}?signature={signature}")
    for _ in response.streaming_content:
        clock(6)
    links.uses.flush()
    assert SignedLink.objects.get().use_count == 1


@pytest.fixture
def public_run(ada, dan, make_resource):
    """Ada's finished run of Dan's public Actor, with a log."""
    actor = make_resource(Kind.ACTOR, dan, name="scraper", is_public=True)
    run = make_resource(Kind.RUN, ada, actor=actor, status=JobStatus.SUCCEEDED, general_access=RESTRICTED)
    for _ in range(8):
        append(run.pk, b"x" * 200_000 + b"\n")
    return run


@pytest.mark.parametrize("how", ["opt-in ended", "Actor un-published"])
@pytest.mark.parametrize("query", ["", "?stream=1", "?raw=1"])
def test_a_run_that_its_creator_sees(api, dan, public_run, clock, how, query):
    Account.objects.filter(username="ada").update(share_runs_with_actor_creators=True)
    ends = {
        "opt-in ended": lambda: Account.objects.update(share_runs_with_actor_creators=False),
        "Actor un-published": lambda: Resource.objects.update(is_public=False),
    }
    assert is_cut(api(dan).get(f"/v2/actor-runs/{public_run.pk}/log{query}"), ends[how], clock)


def test_a_run_that_is_taken_off_an_issue(api, ada, dan, public_run, clock):
    issue = issues.report(public_run.actor, "Empty", by=ada.principal, run=public_run)
    response = api(dan).get(f"/v2/logs/{public_run.pk}")
    assert is_cut(response, lambda: issues.detach_run(issue, by=ada.principal), clock)


def test_the_page_of_a_log(ada, ben, give, signed_in, public_run, clock):
    give(public_run, ben)
    response = signed_in(ben).get(f"{public_run.console_path}/log")
    assert is_cut(response, Grant.objects.all().delete, clock)


# What is sent, and when it is not judged


def test_a_last_run_is_judged_as_the_run_that_is_being_sent(api, ada, make_resource, public_run, clock):
    """A newer run comes while the log of the one before is sent."""
    path = f"/v2/actors/{public_run.actor_id}/runs/last/log"
    response = api(ada).get(path)
    assert not is_cut(response, lambda: make_resource(Kind.RUN, ada, actor=public_run.actor), clock)


def test_a_quiet_log_is_cut_without_waiting_for_a_line(api, ada, ben, give, make_resource, clock, monkeypatch):
    run = make_resource(Kind.RUN, ada, status=JobStatus.RUNNING, general_access=RESTRICTED)
    give(run, ben)
    waited = []

    def sleep(seconds):
        waited.append(seconds)
        clock(seconds)
        if len(waited) == 3:
            Grant.objects.all().delete()
        assert len(waited) < 20

    monkeypatch.setattr(following, "sleep", sleep)
    for query in ("?stream=1", "?stream=1&raw=1"):
        give(run, ben)
        waited.clear()
        with pytest.raises(AccessGone):
            b"".join(api(ben).get(f"/v2/actor-runs/{run.pk}/log{query}").streaming_content)
        assert sum(waited) < 11


def test_an_answer_that_is_sent_at_once_costs_nothing(api, ada, record, django_assert_num_queries):
    response = api(ada).get(record)
    with django_assert_num_queries(0):
        assert b"".join(response.streaming_content) == BYTES


def test_a_judgement_costs_the_two_statements_of_the_first(api, ada, record, clock, django_assert_num_queries):
    response = api(ada).get(record)
    clock(5)
    with django_assert_num_queries(2):
        b"".join(response.streaming_content)


# Every view that streams

FORMATS = ("json", "jsonl", "csv", "xlsx", "xml", "html", "rss")


@pytest.fixture
def things(ada, make_resource, store, settings):
    """Each thing that can be asked for, with enough in it to be streamed."""
    actor = make_resource(Kind.ACTOR, ada, name="scraper")
    task = make_resource(Kind.TASK, ada, name="daily", actor=actor)
    run = make_resource(Kind.RUN, ada, actor=actor, task=task, status=JobStatus.SUCCEEDED)
    build = make_resource(Kind.BUILD, ada, actor=actor, status=JobStatus.SUCCEEDED)
    dataset = make_resource(Kind.DATASET, ada, run=run)
    queue = make_resource(Kind.REQUEST_QUEUE, ada, run=run)
    schedule = make_resource(Kind.SCHEDULE, ada, name="nightly")
    Resource.objects.filter(pk=store.pk).update(run=run)
    for job in (run, build):
        append(job.pk, b"line\n" * 100)
    for _ in range(6):
        push(dataset.pk, b"[%b]" % b",".join([ITEM] * 1000))
    Record.objects.filter(store=store).update(content_type="image/png")
    found = (actor, task, run, build, dataset, store, queue, schedule)
    return {Kind(each.kind): each for each in found}


def paths_of(route, pattern, things):
    """Yield the addresses that a route has for the things, with the queries that change how they are answered."""
    kind = next((k for k in Kind if (pattern.default_args or {}).get("kind") == k.value), None)
    need = requirement_for(pattern.callback, "GET")
    kind = kind or (need.kind if isinstance(need, Requires) else None) or Kind.RUN
    values = {
        "key": "FILE",
        "run": things[Kind.RUN].pk,
        "job": things[Kind.RUN].pk,
        "actor": things[Kind.ACTOR].pk,
        "of_actor": things[Kind.ACTOR].pk,
        "last_of_actor": things[Kind.ACTOR].pk,
        "last_of_task": things[Kind.TASK].pk,
        "address": things[kind].pk,
    }
    path = "/" + route
    for name, value in values.items():
        path = path.replace(f"<str:{name}>", value).replace(f"<path:{name}>", value)
    yield path
    yield from (f"{path}?format={each}" for each in FORMATS)
    yield f"{path}?stream=1"
    yield f"{path}?key=FILE"


def test_every_view_that_streams_is_judged_again(api, ada, signed_in, things, clock):
    """A new one is walked from the day that it is mounted."""
    Account.objects.update(general_access=RESTRICTED)
    found = set()
    for route, pattern in iterate_views():
        if requirement_for(pattern.callback, "GET") is None:
            continue
        is_api = route.startswith("v2/")
        for path in paths_of(route, pattern, things):
            client = api(ada) if is_api else signed_in(ada)
            response = client.get(path)
            if not response.streaming:
                continue
            found.add(route)
            pieces = iter(response.streaming_content)
            Account.objects.update(is_active=False)
            clock(6)
            with pytest.raises(AccessGone):
                b"".join(pieces)
            Account.objects.update(is_active=True)
    assert len(found) > 20
    for part in ("items", "log", "records", "download", "content", "preview"):
        assert any(part in route for route in found), part
