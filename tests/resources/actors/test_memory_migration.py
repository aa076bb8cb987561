"""The migration that rounds up default memory of Actors that no run can have."""

from resources.memory import is_possible

BEFORE, AFTER = "0019_runs_that_started_runs", "0020_memory_that_runs_can_have"


def test_what_no_run_can_have_is_rounded_up(migrate):
    apps = migrate("resources", BEFORE)
    account = apps.get_model("accounts", "Account").objects.create(username="ada", email="ada@example.com")
    actors = apps.get_model("resources", "Actor").objects
    expected = {
        128: 128,
        129: 256,
        300: 512,
        1000: 1024,
        1024: 1024,
        20_000: 32_768,
        32_767: 32_768,
        32_768: 32_768,
    }
    for memory in expected:
        actors.create(owner=account, kind="actor", name=f"a{memory}", default_memory_mbytes=memory)
    actors = migrate("resources", AFTER).get_model("resources", "Actor").objects
    rows = actors.values_list("name", "default_memory_mbytes")
    assert dict(rows) == {f"a{before}": after for before, after in expected.items()}
    assert all(map(is_possible, expected.values()))
