"""The Python client, unchanged, with Actors, versions, variables, builds and the Store: all that its methods do."""

from datetime import timedelta
from typing import Any

import pytest
from apify_client.errors import ApifyApiError, ForbiddenError, InvalidRequestError, NotFoundError, UnauthorizedError

FILES: list[dict[str, Any]] = [{"name": "main.py", "format": "TEXT", "content": "print(1)"}]


@pytest.fixture
def ada_client(cast, client_of):
    return client_of(cast["ada"])


@pytest.fixture
def prices(ada_client):
    versions = [{"versionNumber": "0.1", "sourceType": "SOURCE_FILES", "sourceFiles": FILES, "buildTag": "latest"}]
    made = ada_client.actors().create(name="prices", versions=versions)
    return ada_client.actor(made.id)


def test_create_and_get(ada_client, cast):
    made = ada_client.actors().create(
        name="prices",
        title="Prices",
        description="Finds prices.",
        seo_title="Prices!",
        seo_description="Finds prices!",
        restart_on_error=True,
        is_public=True,
        is_deprecated=False,
        categories=["AI"],
        default_run_build="beta",
        default_run_max_items=9,
        default_run_memory_mbytes=256,
        default_run_timeout=timedelta(seconds=60),
        example_run_input_body="{}",
        example_run_input_content_type="application/json",
        actor_standby_is_enabled=False,
        actor_standby_idle_timeout=timedelta(seconds=5),
        versions=[{"versionNumber": "0.1", "sourceType": "SOURCE_FILES", "sourceFiles": FILES}],
    )
    assert (made.name, made.title, made.user_id, made.username) == ("prices", "Prices", cast["ada"].pk, "ada")
    assert (made.is_public, made.categories, made.seo_title) == (True, ["AI"], "Prices!")
    options = made.default_run_options
    assert (options.build, options.timeout_secs, options.memory_mbytes, options.max_items) == ("beta", 60, 256, 9)
    assert options.restart_on_error is True
    assert made.example_run_input.body == "{}"
    assert made.actor_standby.idle_timeout_secs == 5
    assert made.versions[0].source_files[0].content == "print(1)"
    for address in (made.id, "ada/prices", "ada~prices", "~prices"):
        assert ada_client.actor(address).get() == made


def test_update(ada_client, prices):
    changed = prices.update(name="costs", title="Costs", default_run_memory_mbytes=512, is_public=True)
    assert (changed.name, changed.title, changed.is_public) == ("costs", "Costs", True)
    assert changed.default_run_options.memory_mbytes == 512
    assert [version.version_number for version in changed.versions] == ["0.1"]
    changed = prices.update(versions=[{"versionNumber": "0.2", "sourceType": "SOURCE_FILES", "sourceFiles": FILES}])
    assert [version.version_number for version in changed.versions] == ["0.2"]
    assert prices.update().title == "Costs"
    with pytest.raises(InvalidRequestError, match="memoryMbytes"):
        prices.update(title="Other", default_run_memory_mbytes=1)
    assert prices.get().title == "Costs"


def test_list(ada_client, prices, cast, client_of):
    of_ben = client_of(cast["ben"]).actors().create(name="of-ben", is_public=True)
    page = ada_client.actors().list()
    assert (page.total, page.count, page.offset, page.limit, page.desc) == (1, 1, 0, 1000, False)
    assert (page.items[0].name, page.items[0].username, page.items[0].stats.total_runs) == ("prices", "ada", 0)
    for number in range(3):
        ada_client.actors().create(name=f"act{number}")
    assert [each.name for each in ada_client.actors().iterate(my=True, desc=True, limit=2)] == ["act2", "act1"]
    assert len(ada_client.actors().list(sort_by="stats.lastRunStartedAt").items) == 4
    assert of_ben.id not in [each.id for each in ada_client.actors().iterate()]
    with pytest.raises(UnauthorizedError):
        client_of().actors().list()


def test_versions(prices):
    made = prices.versions().create(
        version_number="0.2",
        build_tag="beta",
        env_vars=[{"name": "A", "value": "1"}, {"name": "B", "value": "2", "is_secret": True}],
        apply_env_vars_to_build=True,
        source_type="SOURCE_FILES",
        source_files=FILES,
    )
    assert (made.version_number, made.build_tag, made.apply_env_vars_to_build) == ("0.2", "beta", True)
    assert [(each.name, each.value) for each in made.env_vars] == [("A", "1"), ("B", None)]
    version = prices.version("0.2")
    assert version.get() == made
    assert prices.version("0.9").get() is None
    assert [each.version_number for each in prices.versions().iterate()] == ["0.1", "0.2"]
    assert prices.versions().list().total == 2
    changed = version.update(build_tag="other", source_type="GIT_REPO", git_repo_url="https://example.com/a.git")
    assert (changed.build_tag, changed.git_repo_url) == ("other", "https://example.com/a.git")
    version.delete()
    assert version.get() is None
    with pytest.raises(InvalidRequestError) as refused:
        prices.version("0.1").delete()
    assert refused.value.type == "too-few-versions"


def test_environment_variables(prices):
    version = prices.version("0.1")
    made = version.env_vars().create(name="PASSWORD", value="hunter2", is_secret=True)
    assert (made.name, made.value, made.is_secret) == ("PASSWORD", None, True)
    version.env_vars().create(name="LEVEL", value="debug")
    assert [(each.name, each.value) for each in version.env_vars().iterate()] == [
        ("LEVEL", "debug"),
        ("PASSWORD", None),
    ]
    assert version.env_vars().list().total == 2
    variable = version.env_var("LEVEL")
    assert variable.get().value == "debug"
    assert variable.update(name="LEVEL", value="info").value == "info"
    variable.delete()
    assert variable.get() is None


def test_builds(ada_client, prices, builder):
    built = prices.build(version_number="0.1", tag="latest", use_cache=False, wait_for_finish=5)
    assert (built.status, built.build_number) == ("SUCCEEDED", "0.1.1")
    assert (built.act_version.version_number, built.act_version.source_files[0].name) == ("0.1", "main.py")
    assert built.meta.origin == "API"
    assert built.model_dump()["readme"] == "# Prices"  # by its name it can be had with a warning only
    assert built.stats.duration_millis >= 0
    assert built.usage_total_usd == 0
    assert ada_client.build(built.id).get() == built
    assert prices.default_build(wait_for_finish=1).get() == built
    assert prices.get().tagged_builds["latest"].build_id == built.id
    for collection in (ada_client.builds(), prices.builds()):
        assert [each.id for each in collection.list(desc=True).items] == [built.id]
        assert [each.build_number_int for each in collection.iterate()] == [100_001]


def test_the_life_of_a_build(ada_client, prices, builder):
    first = ada_client.build(prices.build(version_number="0.1").id)
    assert first.abort().status == "ABORTED"
    assert first.wait_for_finish(wait_duration=timedelta(seconds=5)).status == "ABORTED"
    second = ada_client.build(prices.build(version_number="0.1").id)
    assert second.wait_for_finish(wait_duration=timedelta(seconds=5)).status == "SUCCEEDED"
    assert second.get_open_api_definition()["info"]["version"] == "0.1.2"
    with pytest.raises(InvalidRequestError) as refused:
        second.delete()
    assert refused.value.type == "deleting-default-build"
    first.delete()
    assert first.get() is None


def test_tags(prices, builder):
    built = prices.build(version_number="0.1", wait_for_finish=5)
    changed = prices.update(tagged_builds={"beta": {"buildId": built.id}})
    assert changed.tagged_builds["beta"].build_number == "0.1.1"


def test_validate_input(prices, builder):
    prices.build(version_number="0.1", wait_for_finish=5)
    assert prices.validate_input({"url": "https://example.com"}) is True
    with pytest.raises(InvalidRequestError, match="url is required"):
        prices.validate_input({}, build="latest")
    with pytest.raises(ApifyApiError) as refused:
        prices.validate_input({}, build="beta")
    assert refused.value.type == "unknown-build-tag"


def test_store(ada_client, prices, client_of):
    assert client_of().store().list().items == []
    prices.update(is_public=True, title="Prices", categories=["AI"])
    page = (
        client_of().store().list(search="price", sort_by="newest", category="AI", username="ada", pricing_model="FREE")
    )
    assert (page.total, page.items[0].title, page.items[0].username) == (1, "Prices", "ada")
    assert [each.name for each in ada_client.store().iterate(limit=5)] == ["prices"]


def test_strangers(prices, cast, client_of, builder):
    built = prices.build(version_number="0.1", wait_for_finish=5)
    actor_id = prices.get().id
    prices.version("0.1").env_vars().create(name="LEVEL", value="debug")
    for other in (client_of(cast["cleo"]), client_of()):
        assert other.actor(actor_id).get() is None
        assert other.build(built.id).get().id == built.id  # anyone with the ID
    prices.update(is_public=True)
    cleo, nobody = client_of(cast["cleo"]), client_of()
    for other in (cleo, nobody):
        assert other.actor("ada/prices").get().versions[0].env_vars is None
    with pytest.raises(ForbiddenError):
        cleo.actor(actor_id).update(title="mine")
    with pytest.raises(UnauthorizedError):
        nobody.actor(actor_id).build(version_number="0.1")
    with pytest.raises(ForbiddenError):
        cleo.actor(actor_id).version("0.1").env_vars().list()


def test_delete(ada_client, prices, builder):
    built = prices.build(version_number="0.1", wait_for_finish=5)
    prices.delete()
    assert prices.get() is None
    assert ada_client.build(built.id).get() is None
    prices.delete()  # once more is fine with the client
    with pytest.raises(NotFoundError):
        prices.build(version_number="0.1")


def test_names_with_capitals(ada_client, cast, client_of):
    made = ada_client.actors().create(name="My-Scraper")
    assert made.name == "My-Scraper"
    for address in ("ada/my-scraper", "ADA~MY-SCRAPER", "~My-Scraper"):
        assert ada_client.actor(address).get().id == made.id
    with pytest.raises(InvalidRequestError) as refused:
        ada_client.actors().create(name="MY-scraper")
    assert refused.value.type == "actor-name-not-unique"


def test_the_builds_of_a_public_actor_are_listed_for_all(prices, builder, cast, client_of):
    built = prices.build(version_number="0.1", wait_for_finish=5)
    with pytest.raises(NotFoundError):
        client_of(cast["cleo"]).actor("ada/prices").builds().list()
    prices.update(is_public=True)
    for client in (client_of(cast["cleo"]), client_of()):
        assert [each.id for each in client.actor("ada/prices").builds().list().items] == [built.id]
