"""Pre-signed URLs by real requests to gunicorn, without an account: each row of a table is a URL and its status.

What a client signs is signed here by the official client's own code, with the key that the API gives to a writer.
"""

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, urlsplit

import pytest
from apify_client._utils.crypto import create_hmac_signature, create_storage_content_signature

from tests.support.served import ROOT, Served, served

DAY = 24 * 60 * 60
COLLECTIONS = {"dataset": "datasets", "store": "key-value-stores", "queue": "request-queues"}
CONTENT = {
    "items": "/v2/datasets/{dataset}/items",
    "keys": "/v2/key-value-stores/{store}/keys",
    "requests": "/v2/request-queues/{queue}/requests",
    "head": "/v2/request-queues/{queue}/head",
}
OF = {"items": "dataset", "keys": "store", "requests": "queue", "head": "queue"}
RECORD = "/v2/key-value-stores/{store}/records/OUTPUT"


@dataclass
class Stage:
    """The server, Ada's storages that nobody else may read, and a process that changes what has no HTTP call."""

    server: Served
    other: subprocess.Popen[str]
    ids: dict[str, str]

    def change(self, *what: object):
        """Have the other process change something, and return its answer."""
        assert self.other.stdin is not None
        assert self.other.stdout is not None
        self.other.stdin.write(json.dumps(what) + "\n")
        self.other.stdin.flush()
        return json.loads(self.other.stdout.readline())

    def owner(self, method: str, path: str, body: object = None, *, who: str = "ada"):
        """Make a request as an account, which must succeed, and return its `data`, if any."""
        answer = self.server.request(method, path, None if body is None else json.dumps(body), who=who)
        content = answer.read()
        assert answer.status < 300, content
        return json.loads(content).get("data") if content.startswith(b"{") else None

    def status(self, path: str, signature: str | None = None, method: str = "GET", body: bytes | None = None) -> int:
        """Return what somebody without an account gets from a path, with a signature or with none."""
        connection = self.server.connect()
        try:
            query = "" if signature is None else f"?signature={quote(signature)}"
            connection.request(method, path.format(**self.ids) + query, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def key(self, storage: str) -> str:
        """Return the signing key of a storage as a client gets it."""
        collection = COLLECTIONS[storage.removeprefix("other_")]
        return self.owner("GET", f"/v2/{collection}/{self.ids[storage]}")["urlSigningSecretKey"]

    def signed(self, storage: str, lifetime: timedelta | None = None, *, key_of: str | None = None) -> str:
        """Return a content signature by the official client; `key_of` names another storage to take the key of."""
        return create_storage_content_signature(self.ids[storage], self.key(key_of or storage), expires_in=lifetime)

    def record(self, key: str, *, key_of: str = "store") -> str:
        """Return the signature of a record by the official client."""
        return create_hmac_signature(self.key(key_of), key)

    def until(self, key: str, seconds: float, *, storage: str = "store", who: str = "ada") -> str:
        """Return the signature of a registered link to a record, which has an end."""
        return self.change("link", who, self.ids[storage], seconds, key)["signature"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory) -> Iterator[Stage]:
    with served(tmp_path_factory.mktemp("data"), ("ada", "ben")) as server:
        command = [sys.executable, "-m", "tests.support.other_process"]
        pipe = subprocess.PIPE
        other = subprocess.Popen(command, cwd=ROOT, env=server.environment, text=True, stdin=pipe, stdout=pipe)
        try:
            stage = Stage(server, other, {})
            fill(stage)
            yield stage
        finally:
            other.terminate()
            other.wait(30)


def fill(stage: Stage) -> None:
    """Make two storages of each kind, closed and with something in them."""
    for prefix in ("", "other_"):
        for kind, collection in COLLECTIONS.items():
            made = stage.owner("POST", f"/v2/{collection}?name={prefix.replace('_', '-')}{kind}")["id"]
            stage.owner("PUT", f"/v2/{collection}/{made}", {"generalAccess": "RESTRICTED"})
            stage.ids[prefix + kind] = made
        stage.owner("POST", f"/v2/datasets/{stage.ids[prefix + 'dataset']}/items", [{"price": 1}])
        for key in ("OUTPUT", "INPUT"):
            stage.owner("PUT", f"/v2/key-value-stores/{stage.ids[prefix + 'store']}/records/{key}", {"is": key})


# What somebody may have in place of a right signature, of the storage `s`. Every one of these is refused.
WRONG = {
    "none": lambda stage, s: None,
    "empty": lambda stage, s: "",
    "not base64url": lambda stage, s: "+/+/",
    "expired": lambda stage, s: stage.signed(s, timedelta(seconds=-1)),
    "truncated by one": lambda stage, s: stage.signed(s).rstrip("=")[:-1],
    "truncated by half": lambda stage, s: stage.signed(s)[: len(stage.signed(s)) // 2],
    "without its mac": lambda stage, s: base64.urlsafe_b64encode(b"0.0.").decode(),
    "with more behind it": lambda stage, s: stage.signed(s).rstrip("=") + "AA",
    "with a later end": lambda stage, s: later_end(stage.signed(s, timedelta(minutes=5))),
    "of another resource": lambda stage, s: stage.signed(f"other_{s}"),
    "of another resource's key": lambda stage, s: stage.signed(s, key_of=f"other_{s}"),
    "for another resource": lambda stage, s: stage.signed(f"other_{s}", key_of=s),
    "of the content message as if of a record": lambda stage, s: create_hmac_signature(
        stage.key(s), f"0.0.{stage.ids[s]}"
    ),
}


def later_end(signature: str) -> str:
    """Write an end that is a year later into a signature."""
    version, end, signed = base64.urlsafe_b64decode(signature + "==").decode().split(".")
    forged = ".".join((version, str(int(end) + 365 * DAY * 1000), signed))
    return base64.urlsafe_b64encode(forged.encode()).decode()


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("content", CONTENT)
def test_what_opens_no_content(stage, content, wrong):
    assert stage.status(CONTENT[content], WRONG[wrong](stage, OF[content])) == 403


RIGHT = {
    "for ever": (None, lambda signature: signature),
    "for ever, without padding": (None, lambda signature: signature.rstrip("=")),
    "for ever, padded": (None, lambda signature: signature.rstrip("=") + "=" * (-len(signature.rstrip("=")) % 4)),
    "for an hour": (timedelta(hours=1), lambda signature: signature),
    "for an hour, without padding": (timedelta(hours=1), lambda signature: signature.rstrip("=")),
}


@pytest.mark.parametrize("right", RIGHT)
@pytest.mark.parametrize("content", CONTENT)
def test_what_opens_content(stage, content, right):
    lifetime, written = RIGHT[right]
    signature = written(stage.signed(OF[content], lifetime))
    assert stage.status(CONTENT[content], signature) == 200
    assert stage.status(CONTENT[content], signature, "HEAD") == 200


def test_a_signature_opens_what_is_addressed_by_name_too(stage):
    path = "/v2/datasets/ada~dataset/items"
    assert stage.status(path) == 404
    assert stage.status(path, stage.signed("other_dataset")) == 404
    assert stage.status(path, stage.signed("dataset")) == 200


# A signature, the record that it is used for, and what comes of it.
RECORDS = [
    ("by a client", lambda stage: stage.record("OUTPUT"), "OUTPUT", 200),
    ("for an hour", lambda stage: stage.until("OUTPUT", 3600), "OUTPUT", 200),
    ("for an hour, padded", lambda stage: padded(stage.until("OUTPUT", 3600)), "OUTPUT", 200),
    ("none", lambda stage: None, "OUTPUT", 403),
    ("by a client, for another record", lambda stage: stage.record("OUTPUT"), "INPUT", 403),
    ("for an hour, for another record", lambda stage: stage.until("OUTPUT", 3600), "INPUT", 403),
    ("by a client, truncated", lambda stage: stage.record("OUTPUT")[:-1], "OUTPUT", 403),
    ("for an hour, truncated", lambda stage: stage.until("OUTPUT", 3600)[:-1], "OUTPUT", 403),
    ("expired", lambda stage: stage.until("OUTPUT", 1e-6), "OUTPUT", 403),
    ("with a later end", lambda stage: later_end(stage.until("OUTPUT", 3600)), "OUTPUT", 403),
    ("by a client, of another store", lambda stage: stage.record("OUTPUT", key_of="other_store"), "OUTPUT", 403),
    ("for an hour, of another store", lambda stage: stage.until("OUTPUT", 3600, storage="other_store"), "OUTPUT", 403),
    ("of the list of keys", lambda stage: stage.signed("store"), "OUTPUT", 403),
    ("with an end, by a client", lambda stage: minted_with_an_end(stage, "OUTPUT"), "OUTPUT", 403),
]


def padded(signature: str) -> str:
    return signature + "=" * (-len(signature) % 4)


def minted_with_an_end(stage: Stage, key: str) -> str:
    """What a client that may sign records of any name would write to pass for a link with an end."""
    minted = stage.record(f"r.0.{stage.ids['store']}.{key}")
    return base64.urlsafe_b64encode(f"r.0.{minted}".encode()).decode()


@pytest.mark.parametrize(
    ("signature", "key", "expected"), [row[1:] for row in RECORDS], ids=[row[0] for row in RECORDS]
)
def test_what_opens_a_record(stage, signature, key, expected):
    assert stage.status(f"/v2/key-value-stores/{{store}}/records/{key}", signature(stage)) == expected


# What no signature opens, though it is right: the storage whose signature it is, method, path and status.
CLOSED = [
    ("dataset", "GET", "/v2/datasets/{dataset}", 403),
    ("dataset", "GET", "/v2/datasets/{dataset}/statistics", 403),
    ("dataset", "GET", "/v2/datasets/{other_dataset}/items", 403),
    ("dataset", "GET", "/v2/datasets/{dataset}/access-rights", 401),
    ("dataset", "POST", "/v2/datasets/{dataset}/items", 401),
    ("dataset", "PUT", "/v2/datasets/{dataset}", 401),
    ("dataset", "DELETE", "/v2/datasets/{dataset}", 401),
    ("store", "GET", "/v2/key-value-stores/{store}", 403),
    ("store", "GET", "/v2/key-value-stores/{store}/records", 403),
    ("store", "PUT", RECORD, 401),
    ("store", "DELETE", RECORD, 401),
    ("record", "GET", "/v2/key-value-stores/{store}/keys", 403),
    ("record", "GET", "/v2/key-value-stores/{store}/records", 403),
    ("record", "PUT", RECORD, 401),
    ("record", "DELETE", RECORD, 401),
    ("queue", "GET", "/v2/request-queues/{queue}", 403),
    ("queue", "POST", "/v2/request-queues/{queue}/requests", 401),
    ("queue", "POST", "/v2/request-queues/{queue}/head/lock", 401),
    ("queue", "DELETE", "/v2/request-queues/{queue}", 401),
]


@pytest.mark.parametrize(("of", "method", "path", "expected"), CLOSED)
def test_what_no_signature_opens(stage, of, method, path, expected):
    signature = stage.record("OUTPUT") if of == "record" else stage.signed(of)
    assert stage.status(path, signature, method, b"{}" if method in ("POST", "PUT") else None) == expected


@pytest.mark.parametrize("level", ["ANYONE_WITH_ID_CAN_READ", "ANYONE_WITH_NAME_CAN_READ", "FOLLOW_USER_SETTING"])
def test_a_signature_takes_nothing_away_and_opens_at_every_level(stage, level):
    path = f"/v2/datasets/{stage.ids['dataset']}"
    stage.owner("PUT", path, {"generalAccess": level})
    assert stage.status(CONTENT["items"], "wrong") == 200
    assert stage.status(CONTENT["items"], stage.signed("dataset")) == 200
    stage.change("level", "ada", "RESTRICTED")
    assert stage.status(CONTENT["items"], "wrong") == (403 if level == "FOLLOW_USER_SETTING" else 200)
    assert stage.status(CONTENT["items"], stage.signed("dataset")) == 200
    stage.change("level", "ada", "ANYONE_WITH_ID_CAN_READ")
    stage.owner("PUT", path, {"generalAccess": "RESTRICTED"})


# What ends links.


def content_link(stage: Stage, who: str = "ada", days: float = 10) -> tuple[str, dict[str, str]]:
    return CONTENT["keys"], stage.change("link", who, stage.ids["store"], days * DAY)


def record_link(stage: Stage, who: str = "ada", days: float = 10) -> tuple[str, dict[str, str]]:
    return RECORD, stage.change("link", who, stage.ids["store"], days * DAY, "OUTPUT")


@pytest.mark.parametrize("link", [content_link, record_link])
def test_a_revoked_link_opens_nothing_and_another_to_the_same_still_does(stage, link):
    (path, made), (_, other) = link(stage), link(stage)
    assert [stage.status(path, each["signature"]) for each in (made, other)] == [200, 200]
    stage.change("revoke_link", made["id"])
    assert [stage.status(path, each["signature"]) for each in (made, other)] == [403, 200]
    assert stage.status(path, padded(made["signature"])) == 403


def test_turning_the_key_ends_every_signature_of_this_storage_and_of_no_other(stage):
    def opened() -> list[int]:
        return [stage.status(path, signature) for path, signature in signatures]

    signatures = [
        (CONTENT["keys"], stage.signed("store")),
        (RECORD, stage.record("OUTPUT")),
        *((path, made["signature"]) for path, made in (content_link(stage), record_link(stage))),
        (CONTENT["items"], stage.signed("dataset")),
    ]
    assert opened() == [200] * 5
    stage.change("turn_key", stage.ids["store"])
    assert opened() == [403] * 4 + [200]
    assert stage.status(CONTENT["keys"], stage.signed("store")) == 200
    assert stage.status(RECORD, stage.record("OUTPUT")) == 200


@pytest.mark.parametrize("link", [content_link, record_link])
def test_a_link_ends_with_the_access_of_its_maker(stage, link):
    right = f"/v2/key-value-stores/{stage.ids['store']}/access-rights/ben"
    stage.owner("PUT", right, {"permissions": ["READ"]})
    stage.change("reader_links", "ada", True)
    path, made = link(stage, "ben")
    assert stage.status(path, made["signature"]) == 200
    stage.change("deactivate", "ben", False)
    assert stage.status(path, made["signature"]) == 403
    stage.change("deactivate", "ben", True)
    assert stage.status(path, made["signature"]) == 200
    stage.owner("DELETE", right)
    assert stage.status(path, made["signature"]) == 403


@pytest.fixture
def cap(stage) -> Iterator[Callable[[int | None], None]]:
    """Set how many days links to what Ada owns may live; in the end they may live as long as they like."""
    yield lambda days: stage.change("cap", "ada", days)
    stage.change("cap", "ada", None)


# What is opened, what its signature is, and whether it opens where links live a week at most.
CAPPED = [
    ("items, for ever", CONTENT["items"], lambda stage: stage.signed("dataset"), 403),
    ("items, 8 days", CONTENT["items"], lambda stage: stage.signed("dataset", timedelta(days=8)), 403),
    ("items, 6 days", CONTENT["items"], lambda stage: stage.signed("dataset", timedelta(days=6)), 200),
    ("keys, for ever", CONTENT["keys"], lambda stage: stage.signed("store"), 403),
    ("keys, 6 days", CONTENT["keys"], lambda stage: stage.signed("store", timedelta(days=6)), 200),
    ("head, for ever", CONTENT["head"], lambda stage: stage.signed("queue"), 403),
    ("head, 6 days", CONTENT["head"], lambda stage: stage.signed("queue", timedelta(days=6)), 200),
    ("record, for ever", RECORD, lambda stage: stage.record("OUTPUT"), 403),
    ("record, 6 days", RECORD, lambda stage: stage.until("OUTPUT", 6 * DAY), 200),
]


@pytest.mark.parametrize(("path", "signature", "expected"), [row[1:] for row in CAPPED], ids=[row[0] for row in CAPPED])
def test_links_beyond_the_cap_of_the_account(stage, cap, path, signature, expected):
    cap(7)
    assert stage.status(path, signature(stage)) == expected


@pytest.mark.parametrize("link", [content_link, record_link])
def test_a_registered_link_from_before_the_cap(stage, cap, link):
    (path, long), (_, short) = link(stage, days=8), link(stage, days=6)
    cap(7)
    assert [stage.status(path, each["signature"]) for each in (long, short)] == [403, 200]
    cap(None)
    assert [stage.status(path, each["signature"]) for each in (long, short)] == [403, 200]


@pytest.mark.parametrize("longest", [1, 3650])
def test_where_links_must_end_those_for_ever_open_nothing(stage, cap, longest):
    """However long they may be: a cap says that there are no permanent links, and what it refused stays refused."""

    def signed() -> list[tuple[str, str]]:
        return [(CONTENT["items"], stage.signed("dataset")), (RECORD, stage.record("OUTPUT"))]

    before = signed()
    cap(longest)
    under_it = signed()
    assert [stage.status(*each) for each in before + under_it] == [403] * 4
    cap(None)
    assert [stage.status(*each) for each in before + under_it] == [403] * 4


@pytest.mark.parametrize("longest", [None, 1, 7, 3650])
@pytest.mark.parametrize("who", ["ada", "ben"])
def test_the_public_urls_of_the_api_open_whatever_the_cap(stage, cap, longest, who):
    right = "/v2/{}/access-rights/ben"
    for path in (f"datasets/{stage.ids['dataset']}", f"key-value-stores/{stage.ids['store']}"):
        stage.owner("PUT", right.format(path), {"permissions": ["READ"]})
    cap(longest)
    stage.change("reader_links", "ada", True)
    store = f"/v2/key-value-stores/{stage.ids['store']}"
    urls = [
        stage.owner("GET", f"/v2/datasets/{stage.ids['dataset']}", who=who)["itemsPublicUrl"],
        stage.owner("GET", store, who=who)["keysPublicUrl"],
        *(each["recordPublicUrl"] for each in stage.owner("GET", f"{store}/keys", who=who)["items"]),
    ]
    assert len(urls) == 4
    found = [(parts.path, parts.query.removeprefix("signature=")) for parts in map(urlsplit, urls)]
    assert [stage.status(*each) for each in found] == [200] * 4


# One message serves one purpose.


@pytest.mark.parametrize("written", ["0.0.{store}", "0%2E0%2E{store}", "1.99.{store}", "..{store}", ".0.{store}"])
def test_a_record_key_that_spells_a_content_message_is_neither_written_nor_opened(stage, written):
    path = f"/v2/key-value-stores/{{store}}/records/{written}".format(**stage.ids)
    sent = stage.server.request("PUT", path, b"{}", Content_Type="application/json")
    assert sent.status == 400, sent.read()
    message = written.format(**stage.ids).replace("%2E", ".")
    assert stage.status(path, stage.record(message)) == 403
    keys = [each["key"] for each in stage.owner("GET", f"/v2/key-value-stores/{stage.ids['store']}/keys")["items"]]
    assert keys == ["INPUT", "OUTPUT"]


def test_a_key_that_spells_the_message_of_another_store_opens_that_record_alone(stage):
    """It can be written, because the keys of the two differ: what it mints opens nothing of the other."""
    key = f"0.0.{stage.ids['other_store']}"
    path = f"/v2/key-value-stores/{stage.ids['store']}/records/{key}"
    stage.owner("PUT", path, {"is": "harmless"})
    minted = stage.record(key)
    forged = base64.urlsafe_b64encode(f"0.0.{minted}".encode()).decode()
    assert stage.status(path, minted) == 200
    assert stage.status("/v2/key-value-stores/{other_store}/keys", forged) == 403
    assert stage.status(CONTENT["keys"], forged) == 403
    stage.owner("DELETE", path)
