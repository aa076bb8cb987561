"""The data of an older version comes through a backup and all migrations: `tests/upgrade_stage.py`."""

from tests.upgrade_stage import lost, upgraded


def test_nothing_is_lost_on_the_way_from_november(tmp_path):
    with upgraded(tmp_path) as place:
        tokens = place.known["tokens"]
        code = (
            "from accounts.tokens import UnknownToken, resolve\n"
            f"for name, text in {tokens!r}.items():\n"
            "    try: print(name, resolve(text).username)\n"
            "    except UnknownToken: print(name, None)\n"
        )
        resolved = dict(line.rsplit(" ", 1) for line in place.python(code).splitlines())
        assert resolved == {"everything": "ada", "only prices": "ada", "expired": "None", "revoked": "None"}


def test_what_is_lost_is_named():
    before = {"one": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}], "two": [{"id": 1}], "three": []}
    after = {"one": [{"id": 1, "title": "a"}], "three": []}
    assert lost(before, after) == ["one 1: the column name is gone", "one 2 is gone", "two is gone"]
    assert lost(before, {**before, "one": [{"id": 1, "name": "c"}, {"id": 2, "name": "b"}]}) == ["one 1: name was 'a'"]
    assert lost(before, before) == []
