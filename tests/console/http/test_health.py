"""Whether the server says quickly and rightly whether it works."""

import socket

import pytest
from django.db.utils import ConnectionHandler

from console import settings as deployed

pytestmark = pytest.mark.django_db
SECONDS_THAT_A_LOAD_BALANCER_WAITS = 5


@pytest.fixture
def postgresql(monkeypatch):
    """Return the settings for a DATABASE_URL."""
    pytest.importorskip("psycopg_pool")

    def settings_for(url):
        monkeypatch.setenv("DATABASE_URL", url)
        return deployed._database()

    return settings_for


def test_a_database_that_refuses_connections_is_a_503(client, postgresql, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    database = postgresql(f"postgresql://nobody@127.0.0.1:{port}/nothing")
    database["OPTIONS"]["pool"]["timeout"] = 0.2
    connection = ConnectionHandler({"default": {}, "refusing": database})["refusing"]  # an alias has one pool
    monkeypatch.setattr("console.health.connection", connection)
    try:
        response = client.get("/healthz")
    finally:
        connection.close_pool()
    assert response.status_code == 503
    assert response.json() == {"status": "database unavailable"}


def test_a_database_that_is_not_there_is_not_waited_for_long(postgresql):
    options = postgresql("postgresql://nobody@127.0.0.1/nothing")["OPTIONS"]
    assert 1 <= options["pool"]["timeout"] < SECONDS_THAT_A_LOAD_BALANCER_WAITS
    assert 2 <= int(options["connect_timeout"]) < SECONDS_THAT_A_LOAD_BALANCER_WAITS
    assert postgresql("postgresql://nobody@127.0.0.1/nothing?connect_timeout=9")["OPTIONS"]["connect_timeout"] == "9"


def test_a_database_that_answers_is_a_200(client):
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
