"""No token, signature or one-time key reaches a log, from any logger."""

import io
import logging

import pytest
from django.test import Client
from gunicorn.config import Config

from console.logging import LINE, ScrubbingFormatter, scrub
from console.server.gunicorn_config import Logger
from resources.runs.callback_url import make_signature

TOKEN = "latchkey_api_0123456789abcdefghijABCDEFGHIJ012345"


@pytest.mark.parametrize(
    "line",
    [
        "GET /v2/datasets?token=s3cret HTTP/1.1",
        "GET /v2/datasets?limit=1&token=s3cret&desc=1 HTTP/1.1",
        "GET /v2/datasets?TOKEN=s3cret HTTP/1.1",
        "GET /v2/datasets?%74oken=s3cret HTTP/1.1",
        "GET /v2/datasets?to%6Ben=s3cret HTTP/1.1",
        "GET /v2/datasets/x/items?signature=s3cret HTTP/1.1",
        "https://latchkey.example/v2/datasets/x/items?signature=s3cret#top",
        "Authorization: Bearer s3cret",
        "{'Authorization': 'bearer s3cret'}",
        "GET /verify-email/s3cretkey HTTP/1.1",
        "GET /reset-password/1-s3cretkey HTTP/1.1",
        "GET /reset-password/key/1-s3cretkey/ HTTP/1.1",
        "GET /x?csrfmiddlewaretoken=s3cret HTTP/1.1",
        "https://s3.example/a.zip?X-Amz-Signature=s3cret&X-Amz-Credential=s3cret&X-Amz-Security-Token=s3cret",
        "https://example.com/a.zip?access_token=s3cret",
        "https://account.blob.example/a.zip?sv=2024&sig=s3cret",
    ],
)
def test_the_secret_is_hidden_and_the_rest_is_not(line):
    scrubbed = scrub(line)
    assert "s3cret" not in scrubbed
    assert "***" in scrubbed
    assert scrubbed.split()[0].partition("?")[0].partition("/reset")[0] in line


@pytest.mark.parametrize("way", ["/from/{}.{}/v2/x", "//from/{}.{}/v2", "/%66rom/{}%2E{}/v2", "%2Ffrom%2F{}.{}%2Fv2"])
def test_the_mark_of_a_run_is_hidden_and_the_run_is_not(way):
    """It is what keeps others from writing into the log of the run."""
    run = "abcdefghijklmnopq"
    mark = make_signature(run)
    escaped = "".join(f"%{ord(each):02X}" for each in mark)
    for written in (mark, mark.upper(), escaped):
        line = scrub(f'"POST {way.format(run, written)} HTTP/1.1" 200')
        assert "***" in line
        assert run in line
        assert written not in line
    assert scrub(f"GET /from/{run}.html HTTP/1.1") == f"GET /from/{run}.html HTTP/1.1"


def test_a_token_is_hidden_wherever_it_stands():
    assert TOKEN not in scrub(f"KeyError: {TOKEN!r}")


@pytest.mark.parametrize(
    "line", ["GET /v2/datasets?limit=20&desc=1 HTTP/1.1", "GET /reset-password/done HTTP/1.1", "2 + 2 = 4", ""]
)
def test_what_is_no_secret_stays(line):
    assert scrub(line) == line


def test_a_traceback_is_scrubbed_too():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(ScrubbingFormatter("{message}", style="{"))
    logger = logging.getLogger("test_a_traceback_is_scrubbed_too")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        raise ValueError(f"/v2/datasets?token={TOKEN}")
    except ValueError:
        logger.exception("It went wrong for %s", {"Authorization": f"Bearer {TOKEN}"})
    assert "ValueError" in stream.getvalue()
    assert TOKEN not in stream.getvalue()


def test_djangos_logs_are_scrubbed(settings):
    assert set(settings.LOGGING["handlers"]) == {"stderr"}
    assert settings.LOGGING["handlers"]["stderr"]["formatter"] == "line"
    assert settings.LOGGING["formatters"]["line"]["()"] == "console.logging.ScrubbingFormatter"


def test_gunicorns_logs_are_scrubbed(capsys):
    config = Config()
    config.set("accesslog", "-")
    config.set("errorlog", "-")
    logger = Logger(config)
    logger.access_log.info('"%(r)s" %(s)s', {"r": f"GET /v2/users/me?token={TOKEN} HTTP/1.1", "s": 200})
    logger.error("Error handling request /v2/users/me?token=%s", TOKEN)
    out, err = capsys.readouterr()
    assert "GET /v2/users/me?token=*** HTTP/1.1" in out
    assert "Error handling request" in err
    assert TOKEN not in out + err


@pytest.fixture
def log(monkeypatch):
    """What the server's log has, with the project's own configuration of it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(ScrubbingFormatter(LINE, style="{"))
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    return stream


@pytest.mark.parametrize("base", ["/sign-in", "/v2/datasets", "/v2/nothing"])
def test_too_many_parameters_are_one_line(db, base, log):
    query = "&".join(f"p{number}=1" for number in range(1100))
    client = Client(raise_request_exception=False)
    response = client.post(f"{base}?{query}", {f"p{number}": "1" for number in range(1100)})
    assert response.status_code == 400
    assert_one_line(log, "TooManyFieldsSent")


@pytest.mark.parametrize("path", ["/sign-in", "/nothing", "/"])
def test_a_host_that_is_not_ours_is_one_line(db, path, log):
    response = Client(raise_request_exception=False).get(path, headers={"host": "evil.example"})
    assert response.status_code == 400
    assert "could not be understood" in response.content.decode()
    assert_one_line(log, "DisallowedHost")


def test_a_body_that_is_too_large_is_refused_before_it_is_read_and_leaves_no_line(db, log, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    response = Client(raise_request_exception=False).post("/sign-in", {"login": "x" * 100})
    assert response.status_code == 413
    assert log.getvalue() == ""


def assert_one_line(log, name):
    lines = log.getvalue().splitlines()
    assert len(lines) == 1, log.getvalue()
    assert f" WARNING django.security.{name}: " in lines[0]
