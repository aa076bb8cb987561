"""Webhooks as they are sent: to a receiver on this machine, which a deployment has to allow."""

import json
import socket
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from resources.kinds import Kind
from resources.models import Webhook, WebhookDispatch
from resources.webhooks import delivery, events, sending
from resources.webhooks.delivery import deliver
from tests.support.factories import make_webhook
from tests.support.webhook_receiver import Listening, reply

CERTIFICATE_FOR = "hooks.example"


@pytest.fixture
def receiver():
    with Listening() as receiver:
        yield receiver


@pytest.fixture
def intranet(settings):
    """A deployment that sends webhooks to this very machine."""
    settings.WEBHOOK_ADDRESSES = ["127.0.0.0/8"]


@pytest.fixture
def run(ada, make_resource):
    actor = make_resource(Kind.ACTOR, ada, name="finder")
    return make_resource(Kind.RUN, ada, actor_id=actor.pk)


@pytest.fixture
def make_dispatch(ada, run, receiver):
    """Make a webhook of ada's on her Actor, and have it hear that a run has succeeded."""

    def make(**fields) -> WebhookDispatch:
        webhook = make_webhook(ada, **{"request_url": receiver.url, "actor_id": run.actor_id, **fields})
        return events.dispatch([webhook], events.RUN_SUCCEEDED, events.event_data(run))[0]

    return make


@pytest.fixture
def meanwhile(monkeypatch):
    """Have something happen once, while a dispatch is being sent: `meanwhile(call)`."""

    def have(happen: Callable[[], object]) -> None:
        def slowly(*args, **kwargs) -> sending.WebhookResponse:
            monkeypatch.setattr(delivery, "post_webhook", sending.post_webhook)
            happen()
            return sending.post_webhook(*args, **kwargs)

        monkeypatch.setattr(delivery, "post_webhook", slowly)

    return have


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with a key and a certificate for `hooks.example` that nobody vouches for."""
    from datetime import UTC, datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, CERTIFICATE_FOR)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(CERTIFICATE_FOR)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + made.public_bytes(serialization.Encoding.PEM)
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(pem)
    return str(path)


@pytest.fixture
def resolves(monkeypatch):
    """Have a name lead to this machine, each time that it is asked for to the next of these addresses."""
    real = socket.getaddrinfo

    def resolve(name: str, *answers: str):
        left = list(answers)

        def getaddrinfo(host, port, *args, **kwargs):
            if host != name:
                return real(host, port, *args, **kwargs)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (left.pop(0) if left[1:] else left[0], port))]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return resolve


def calls(dispatch: WebhookDispatch) -> list[dict]:
    dispatch.refresh_from_db()
    return json.loads(dispatch.calls)


# What is not sent


def test_an_account_whose_receivers_hang_leaves_half_to_others(make_dispatch, ben, monkeypatch, settings):
    settings.WEBHOOK_JOBS = 4
    monkeypatch.setattr(delivery, "SLOW_SECONDS", 0)
    hanging, one_more, put_off, of_ben = (make_dispatch() for _ in range(4))
    WebhookDispatch.objects.filter(pk=of_ben.pk).update(owner=ben)
    meanwhile = iter([lambda: deliver(one_more.pk), lambda: (deliver(put_off.pk), deliver(of_ben.pk))])
    sent = []

    def post(*args, **kwargs):
        """Say nothing until more was sent meanwhile."""
        sent.append(next(meanwhile, lambda: None)())
        return sending.WebhookResponse(status=200)

    queued = []
    monkeypatch.setattr(delivery, "post_webhook", post)
    monkeypatch.setattr(delivery, "queue_dispatch", lambda id_, after: queued.append((id_, after)))
    assert deliver(hanging.pk) is True
    assert sent == [None, (False, True), True]
    put_off.refresh_from_db()
    assert (put_off.status, put_off.attempts, queued) == ("ACTIVE", 0, [(put_off.pk, put_off.next_at)])
    assert put_off.next_at > timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: put_off.next_at)
    assert deliver(put_off.pk) is True


def test_nothing_goes_to_this_machine_unless_a_deployment_says_so(make_dispatch, receiver):
    dispatch = make_dispatch()
    assert deliver(dispatch.pk) is True
    assert receiver.received == []
    (call,) = calls(dispatch)
    assert "WEBHOOK_ADDRESSES" in call["errorMessage"]
    assert (call["responseStatus"], call["responseBody"], dispatch.status) == (None, None, "ACTIVE")


def test_nothing_goes_where_a_public_name_leads_to_by_now(make_dispatch, receiver, resolves):
    resolves("rebound.example", "127.0.0.1")
    dispatch = make_dispatch(request_url=f"http://rebound.example:{receiver.port}/")
    deliver(dispatch.pk)
    assert receiver.received == []
    assert "rebound.example" in calls(dispatch)[0]["errorMessage"]


def test_the_connection_goes_to_the_address_that_was_checked(make_dispatch, receiver, resolves, settings):
    """A name that leads elsewhere when it is asked for a second time is not asked a second time."""
    settings.WEBHOOK_ADDRESSES = ["127.0.0.1/32"]
    resolves("rebound.example", "127.0.0.1", "10.255.255.1")
    dispatch = make_dispatch(request_url=f"http://rebound.example:{receiver.port}/x?y")
    deliver(dispatch.pk)
    (received,) = receiver.received
    assert (received.path, received.headers["Host"]) == ("/x?y", f"rebound.example:{receiver.port}")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(make_dispatch, receiver, intranet, status):
    with Listening() as elsewhere:
        receiver.answer = lambda handler: reply(handler, status, Location=elsewhere.url)
        dispatch = make_dispatch()
        deliver(dispatch.pk)
        assert elsewhere.received == []
    (call,) = calls(dispatch)
    assert (call["responseStatus"], dispatch.status) == (status, "ACTIVE")
    assert "redirect" in call["errorMessage"]


def test_an_old_webhook_with_a_url_that_is_none(make_dispatch, intranet):
    dispatch = make_dispatch(request_url="file:///etc/passwd")
    deliver(dispatch.pk)
    assert "https://" in calls(dispatch)[0]["errorMessage"]


def test_a_template_that_cannot_be_filled_in_sends_nothing(make_dispatch, receiver, intranet):
    dispatch = make_dispatch(headers_template='{"X-Resource": {{resource.description}}}', payload_template="{")
    deliver(dispatch.pk)
    assert receiver.received == []
    assert "template" in calls(dispatch)[0]["errorMessage"]


def test_nothing_is_sent_for_an_account_that_is_closed(make_dispatch, receiver, intranet, ada):
    dispatch = make_dispatch()
    ada.is_active = False
    ada.save()
    deliver(dispatch.pk)
    assert receiver.received == []


def test_what_is_gone_done_not_due_or_tried_by_somebody_else(make_dispatch, receiver, intranet, meanwhile):
    assert deliver("0" * 17) is False
    dispatch = make_dispatch()
    WebhookDispatch.objects.update(next_at=timezone.now() + timedelta(minutes=1))
    assert deliver(dispatch.pk) is False
    WebhookDispatch.objects.update(next_at=timezone.now(), status="SUCCEEDED")
    assert deliver(dispatch.pk) is False
    WebhookDispatch.objects.update(status="ACTIVE")
    assert receiver.received == []
    tried = []
    meanwhile(lambda: tried.append(deliver(dispatch.pk)))
    assert deliver(dispatch.pk) is True
    assert tried == [False]
    assert len(receiver.received) == 1


# Over TLS


def test_a_certificate_that_nobody_vouches_for(make_dispatch, certificate, settings, resolves):
    settings.WEBHOOK_ADDRESSES = [CERTIFICATE_FOR]
    resolves(CERTIFICATE_FOR, "127.0.0.1")
    with Listening(certificate) as receiver:
        url = f"https://{CERTIFICATE_FOR}:{receiver.port}/"
        strict, lax = make_dispatch(request_url=url), make_dispatch(request_url=url, ignore_ssl_errors=True)
        deliver(strict.pk)
        assert receiver.received == []
        assert "certificate" in calls(strict)[0]["errorMessage"]
        deliver(lax.pk)
        assert len(receiver.received) == 1
    assert calls(lax)[0]["responseStatus"] == 200


def test_a_certificate_has_to_be_that_of_the_name(make_dispatch, certificate, settings, resolves, monkeypatch):
    settings.WEBHOOK_ADDRESSES = [CERTIFICATE_FOR, "other.example"]
    monkeypatch.setenv("SSL_CERT_FILE", certificate)  # somebody vouches for it
    with Listening(certificate) as receiver:
        for name, taken in ((CERTIFICATE_FOR, True), ("other.example", False)):
            resolves(name, "127.0.0.1")
            dispatch = make_dispatch(request_url=f"https://{name}:{receiver.port}/")
            deliver(dispatch.pk)
            (call,) = calls(dispatch)
            assert (call["responseStatus"] == 200) is taken, call
            assert bool(call["errorMessage"]) is not taken
        assert [each.headers["Host"] for each in receiver.received] == [f"{CERTIFICATE_FOR}:{receiver.port}"]


# What is sent


def test_what_the_receiver_gets(make_dispatch, receiver, intranet, ada, run):
    dispatch = make_dispatch()
    assert deliver(dispatch.pk) is True
    (received,) = receiver.received
    sent = json.loads(received.body)
    assert received.path == "/hook?a=1"
    assert sent["userId"] == ada.pk
    assert sent["eventType"] == "ACTOR.RUN.SUCCEEDED"
    assert sent["eventData"] == {"actorId": run.actor_id, "actorTaskId": None, "actorRunId": run.pk}
    assert sent["resource"]["id"] == run.pk
    assert "options" in sent["resource"]  # it is the very object of the API
    assert received.headers["Content-Type"].startswith("application/json")
    assert received.headers["X-Apify-Webhook"] == dispatch.webhook_id
    assert received.headers["X-Apify-Webhook-Dispatch-Id"] == dispatch.pk
    (call,) = calls(dispatch)
    assert dispatch.status == "SUCCEEDED"
    assert (call["responseStatus"], call["responseBody"], call["errorMessage"]) == (200, "thanks", None)
    assert call["startedAt"] <= call["finishedAt"]
    assert deliver(dispatch.pk) is False
    assert len(receiver.received) == 1


def test_templates_are_filled_in(make_dispatch, receiver, intranet, run):
    dispatch = make_dispatch(
        payload_template='{"text": "Run {{resource.id}}: {{eventType}}", "data": {{eventData}}}',
        headers_template='{"Authorization": "Bearer {{userId}}", "Content-Type": "text/plain"}',
        should_interpolate_strings=True,
    )
    deliver(dispatch.pk)
    (received,) = receiver.received
    assert json.loads(received.body)["text"] == f"Run {run.pk}: ACTOR.RUN.SUCCEEDED"
    assert received.headers["Authorization"] == f"Bearer {run.owner_id}"
    assert received.headers["Content-Type"].startswith("application/json")


def test_a_run_that_was_deleted_meanwhile(make_dispatch, receiver, intranet, run):
    dispatch = make_dispatch()
    run.delete()
    deliver(dispatch.pk)
    assert json.loads(receiver.received[0].body)["resource"] is None


def test_an_answer_is_cut(make_dispatch, receiver, intranet):
    receiver.answer = lambda handler: reply(handler, 200, b"\x00\xff" + b"x" * 5_000_000)
    dispatch = make_dispatch()
    deliver(dispatch.pk)
    body = calls(dispatch)[0]["responseBody"]
    assert body.startswith("\x00\ufffdxxx")
    assert len(body) == sending.MAX_ANSWER_BYTES


def test_a_receiver_that_trickles_is_left(receiver, intranet, monkeypatch):
    monkeypatch.setattr(sending, "MAX_ANSWER_BYTES", 10**7)
    stop = threading.Event()

    def trickle(handler):
        handler.send_response(200)
        handler.end_headers()
        while not stop.is_set():
            try:
                handler.wfile.write(b"x")
            except OSError:
                return

    receiver.answer = trickle
    answer = sending.post_webhook(receiver.url, b"{}", {}, seconds=0.2)
    stop.set()
    assert answer.status is None
    assert "within 0.2 seconds" in answer.error


def test_a_receiver_that_never_answers_is_left(receiver, intranet):
    stop = threading.Event()
    receiver.answer = lambda handler: stop.wait(20)
    answer = sending.post_webhook(receiver.url, b"{}", {}, seconds=0.2)
    stop.set()
    assert "within 0.2 seconds" in answer.error


def test_a_receiver_that_speaks_something_else(receiver, intranet):
    receiver.answer = lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH\r\n")
    answer = sending.post_webhook(receiver.url, b"{}", {})
    assert answer.status is None
    assert answer.error.startswith("The request failed")


def test_nobody_listens(intranet):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answer = sending.post_webhook(f"http://127.0.0.1:{taken.getsockname()[1]}/", b"{}", {})
    assert answer.error == "The receiver did not take the connection."


def test_the_next_address_is_tried_where_nobody_listens(receiver, settings, monkeypatch):
    settings.WEBHOOK_ADDRESSES = ["127.0.0.0/8"]
    real = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **kwargs):
        if host != "two.example":
            return real(host, port, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.9", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert sending.post_webhook(f"http://two.example:{receiver.port}/", b"{}", {}).status == 200


# Again and again


def test_a_failed_try_is_repeated_in_growing_intervals_and_then_given_up(make_dispatch, receiver, intranet):
    receiver.answer = lambda handler: reply(handler, 500, b"no")
    dispatch = make_dispatch()
    pauses = []
    while dispatch.status == "ACTIVE":
        assert deliver(dispatch.pk) is True
        dispatch.refresh_from_db()
        last = json.loads(dispatch.calls)[-1]["finishedAt"]
        pauses.append((dispatch.next_at - timezone.datetime.fromisoformat(last)) / timedelta(minutes=1))
        WebhookDispatch.objects.update(next_at=timezone.now())
    assert dispatch.status == "FAILED"
    assert len(receiver.received) == len(calls(dispatch)) == 12
    assert [round(pause) for pause in pauses[:-1]] == [2**at for at in range(11)]
    assert {call["responseStatus"] for call in calls(dispatch)} == {500}


def test_a_webhook_that_is_not_repeated(make_dispatch, receiver, intranet):
    receiver.answer = lambda handler: reply(handler, 404)
    dispatch = make_dispatch(do_not_retry=True)
    deliver(dispatch.pk)
    dispatch.refresh_from_db()
    assert dispatch.status == "FAILED"


def test_a_retry_is_queued_for_its_time(make_dispatch, receiver, intranet, monkeypatch):
    queued = []
    monkeypatch.setattr(delivery, "queue_dispatch", lambda id_, after=None: queued.append((id_, after)))
    receiver.answer = lambda handler: reply(handler, 503)
    dispatch = make_dispatch()
    deliver(dispatch.pk)
    dispatch.refresh_from_db()
    assert queued == [(dispatch.pk, dispatch.next_at)]
    receiver.answer = lambda handler: reply(handler, 204)
    WebhookDispatch.objects.update(next_at=timezone.now())
    deliver(dispatch.pk)
    assert len(queued) == 1


def test_what_a_worker_that_died_left_behind_is_queued_again_once(
    make_dispatch, receiver, intranet, monkeypatch, meanwhile
):
    queued = []
    monkeypatch.setattr(delivery, "queue_dispatch", lambda id_, after=None: queued.append(id_))
    left, fresh, done = make_dispatch(), make_dispatch(), make_dispatch()
    long_ago = timezone.now() - timedelta(hours=1)
    WebhookDispatch.objects.filter(pk__in=[left.pk, done.pk]).update(next_at=long_ago)
    WebhookDispatch.objects.filter(pk=done.pk).update(status="SUCCEEDED")

    def die() -> None:
        raise SystemExit

    meanwhile(die)
    with pytest.raises(SystemExit):
        deliver(left.pk)
    assert receiver.received == []
    WebhookDispatch.objects.filter(pk=left.pk).update(next_at=long_ago + delivery.CLAIM)
    assert [delivery.queue_overdue() for _ in range(3)] == [1, 0, 0]
    assert queued == [left.pk]
    assert deliver(left.pk) is True
    left.refresh_from_db()
    assert (left.attempts, left.status) == (2, "SUCCEEDED")
    assert fresh.status == "ACTIVE"


def test_who_comes_back_after_the_claim_ran_out_writes_nothing(make_dispatch, receiver, intranet, meanwhile):
    dispatch = make_dispatch()

    def overtake() -> None:
        WebhookDispatch.objects.update(next_at=timezone.now())
        assert deliver(dispatch.pk) is True
        receiver.answer = lambda handler: reply(handler, 500)  # which the slow one hears, too late

    meanwhile(overtake)
    deliver(dispatch.pk)
    assert len(receiver.received) == 2
    assert [call["errorMessage"] for call in calls(dispatch)] == [None]
    assert dispatch.status == "SUCCEEDED"


def test_that_a_webhook_was_deleted_meanwhile_is_nothing_to_warn_of(
    make_dispatch, receiver, intranet, meanwhile, caplog
):
    dispatch = make_dispatch()
    meanwhile(lambda: Webhook.objects.all().delete())
    assert deliver(dispatch.pk) is True
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_sends(make_dispatch, receiver, intranet, transactional_db):
    from django.db import connection, transaction

    with transaction.atomic():
        dispatch = make_dispatch()
    barrier = threading.Barrier(4)
    tried = []

    def work():
        barrier.wait()
        try:
            tried.append(deliver(dispatch.pk))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(tried) == [False, False, False, True]
    assert len(receiver.received) == 1
