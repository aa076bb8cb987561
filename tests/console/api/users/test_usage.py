"""`/v2/users/me/usage/monthly` and `/v2/users/me/limits`: what is counted, and nothing that is made up."""

from datetime import UTC, datetime, timedelta

import pytest

from resources.kinds import Kind


@pytest.fixture
def run(ada, make_resource):
    def make(day: int, *, hours: float, owner=ada, **fields):
        at = datetime(2026, 2, day, 22, 30, tzinfo=UTC)
        values = {"status": "SUCCEEDED", "memory_mbytes": 2048, "finished_at": at + timedelta(hours=hours)}
        return make_resource(Kind.RUN, owner, created_at=at, started_at=at, **{**values, **fields})

    return make


def test_nobody_uses_anything(api):
    for url in ("/v2/users/me/limits", "/v2/users/me/usage/monthly"):
        assert api().get(url).status_code == 401
    assert api().put("/v2/users/me/limits", {}, content_type="application/json").status_code == 401


def test_a_token_for_something_else(api, ada):
    client = api(ada, scope=[{"kind": "dataset", "permissions": ["READ"]}])
    assert client.get("/v2/users/me/limits").status_code == 403


@pytest.mark.parametrize(
    "day", ["", "x", "2026-13-01", "2026-02-30", "0000-01-01", "9999-12-01", "2026-02-01T00:00", "\x00"]
)
def test_what_is_no_day(api, ada, day):
    assert api(ada).get("/v2/users/me/usage/monthly", {"date": day}).status_code == 400


def test_limits_that_there_are_not_are_not_promised(api, ada):
    for body in ('{"maxMonthlyUsageUsd": 5}', '{"dataRetentionDays": 7}', '{"dataRetentionDays": "x"}'):
        response = api(ada).put("/v2/users/me/limits", body, content_type="application/json")
        assert response.json()["error"]["type"] == "invalid-value"
    assert api(ada).put("/v2/users/me/limits", "{}", content_type="application/json").status_code == 201


def test_a_month_by_day(api, ada, ben, run):
    run(3, hours=1)
    run(3, hours=0.5, memory_mbytes=1024, before_millis=1_800_000)
    run(28, hours=2)  # it ends in March
    run(5, hours=1, owner=ben)
    run(6, hours=1, status="RUNNING", finished_at=None)
    data = api(ada).get("/v2/users/me/usage/monthly?date=2026-02-14").json()["data"]
    assert data["usageCycle"] == {"startAt": "2026-02-01T00:00:00.000Z", "endAt": "2026-02-28T23:59:59.999Z"}
    assert data["monthlyServiceUsage"]["ACTOR_COMPUTE_UNITS"]["quantity"] == pytest.approx(7)
    days = {
        day["date"][:10]: day["serviceUsage"]["ACTOR_COMPUTE_UNITS"]["quantity"] for day in data["dailyServiceUsages"]
    }
    assert days == {"2026-02-03": pytest.approx(3), "2026-02-28": pytest.approx(4)}
    empty = api(ada).get("/v2/users/me/usage/monthly?date=2026-03-01").json()["data"]
    assert (empty["monthlyServiceUsage"], empty["dailyServiceUsages"]) == ({}, [])


def test_what_one_has(api, ada, ben, run, make_resource):
    make_resource(Kind.ACTOR, ada)
    make_resource(Kind.ACTOR, ben)
    make_resource(Kind.TASK, ada, name="t")
    make_resource(Kind.SCHEDULE, ada, name="s")
    run(1, hours=1, status="RUNNING", finished_at=None)
    run(1, hours=1, status="READY", finished_at=None, memory_mbytes=512)
    run(1, hours=1)
    data = api(ada).get("/v2/users/me/limits").json()["data"]
    current = data["current"]
    assert (current["actorCount"], current["actorTaskCount"], current["scheduleCount"]) == (1, 1, 1)
    assert (current["activeActorJobCount"], current["actorMemoryGbytes"]) == (2, 2.5)
    assert data["limits"]["maxActorMemoryGbytes"] == 32


def test_what_the_deployment_limits_is_told(api, ada, settings):
    settings.ACCOUNT_MAX_RUNS, settings.ACCOUNT_MAX_MEMORY_MBYTES = 10, 16384
    limits = api(ada).get("/v2/users/me/limits").json()["data"]["limits"]
    assert (limits["maxConcurrentActorJobs"], limits["maxActorMemoryGbytes"]) == (10, 16)
