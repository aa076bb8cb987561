"""Noticing that a client has left before there is anything to write."""

import socket

import pytest
from django.test import RequestFactory

from console.http.disconnect import is_connected
from console.http.joined_socket import HeaderBufferingSocket
from resources.datasets import work_limit
from resources.datasets.writing import push
from resources.kinds import Kind
from tests.support.api import error_of


@pytest.fixture
def connection():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def request_over(ours):
    return RequestFactory().get("/v2/datasets", **{"gunicorn.socket": ours})


def test_a_client_who_has_closed_the_connection(connection):
    ours, theirs = connection
    theirs.close()
    assert not is_connected(request_over(ours))


def test_a_socket_that_is_closed_already(connection):
    ours, _ = connection
    ours.close()
    assert not is_connected(request_over(ours))


def test_an_answer_to_nobody_is_given_up(connection, api, ada, make_resource, monkeypatch):
    ours, theirs = connection
    theirs.close()
    monkeypatch.setattr(work_limit, "UNASKED", 10)
    dataset = make_resource(Kind.DATASET, ada)
    push(dataset.pk, b"[%b]" % b",".join([b"{}"] * 100))
    response = api(ada).get(f"/v2/datasets/{dataset.pk}/items?skipEmpty=1", **{"gunicorn.socket": ours})
    assert error_of(response) == (400, "request-aborted-prematurely")


def test_statistics_are_taken_for_nobody_no_longer_than_for_a_chunk(connection, api, ada, make_resource):
    ours, theirs = connection
    dataset = make_resource(Kind.DATASET, ada)
    push(dataset.pk, b'[{"a":1},{"a":2}]')
    path = f"/v2/datasets/{dataset.pk}/statistics"
    assert api(ada).get(path, **{"gunicorn.socket": ours}).status_code == 200
    push(dataset.pk, b'[{"a":3}]')
    theirs.close()
    response = api(ada).get(path, **{"gunicorn.socket": ours})
    assert error_of(response) == (400, "request-aborted-prematurely")


def test_a_client_who_waits(connection):
    ours, _ = connection
    assert is_connected(request_over(ours))


def test_a_client_who_has_sent_the_next_request_already_and_it_is_not_taken_away(connection):
    ours, theirs = connection
    theirs.sendall(b"GET")
    assert is_connected(request_over(ours))
    assert ours.recv(10) == b"GET"


def test_a_server_that_does_not_tell():
    assert is_connected(RequestFactory().get("/v2/datasets"))


def test_a_client_who_has_left_a_socket_of_our_server(connection):
    ours, theirs = connection
    assert is_connected(request_over(HeaderBufferingSocket(ours)))
    theirs.close()
    assert not is_connected(request_over(HeaderBufferingSocket(ours)))
