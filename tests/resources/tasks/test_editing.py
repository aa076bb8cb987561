"""Tasks, as they are made, changed and deleted, apart from who may."""

import pytest

from resources.edit_locked import NameTaken, ResourceGone
from resources.kinds import Kind
from resources.models import Run, Task
from resources.runs import saved_options
from resources.runs.saved_options import SavedOptions
from resources.storages import InvalidName
from resources.tasks import editing
from resources.tasks.editing import InvalidTask, TaskChange
from tests.support.sign_in import actions_of


@pytest.fixture
def actor(ada, make_resource):
    return make_resource(Kind.ACTOR, ada, name="finder")


@pytest.fixture
def by(ada):
    return ada.principal


@pytest.fixture
def task(ada, actor, by):
    return editing.create(ada.pk, actor, TaskChange(name="prices", input='{"a": 1}'), by=by)


def test_nobody_makes_a_task_for_somebody_else(ben, actor, by):
    with pytest.raises(ValueError, match="cannot make"):
        editing.create(ben.pk, actor, by=by)


@pytest.mark.parametrize("name", ["", "-a", "a b", "x" * 64, "a\x00b", "ü"])
def test_a_name_that_is_none(ada, actor, task, by, name):
    with pytest.raises(InvalidName):
        editing.create(ada.pk, actor, TaskChange(name=name), by=by)
    with pytest.raises(InvalidName):
        editing.update(task, TaskChange(name=name, title="Changed"), by=by)
    assert list(Task.objects.values_list("name", "title")) == [("prices", "")]


def test_a_name_that_is_taken(ada, actor, task, by):
    with pytest.raises(NameTaken):
        editing.create(ada.pk, actor, TaskChange(name="prices"), by=by)
    other = editing.create(ada.pk, actor, by=by)
    with pytest.raises(NameTaken):
        editing.update(other, TaskChange(name="prices", title="Changed"), by=by)
    assert Task.objects.get(pk=other.pk).title == ""


@pytest.mark.parametrize(
    "change",
    [
        {"title": "x" * 201},
        {"title": "a\x00b"},
        {"title": "a\ud800"},
        {"description": "x" * 10_001},
        {"description": "\x00"},
        {"input": "\x00"},
        {"input_content_type": "\x00", "input": "x"},
        {"input_content_type": "text/plain\nX: y", "input": "x"},
        {"standby": {"a": "x" * 10_001}},
    ],
)
def test_what_no_task_can_have(task, by, change):
    with pytest.raises(InvalidTask):
        editing.update(task, TaskChange(**change), by=by)
    assert Task.objects.get().input == '{"a": 1}'


def test_a_task_that_is_gone(task, by):
    Task.objects.get().delete()
    with pytest.raises(ResourceGone):
        editing.update(task, TaskChange(title="x"), by=by)
    assert editing.delete(task, by=by) is False


def test_what_is_not_given_stays(task, by):
    saved = SavedOptions(build="latest", timeout_secs=0, max_total_charge_usd=2.5)
    editing.update(task, TaskChange(options=saved, standby={"isEnabled": True}), by=by)
    editing.update(task, TaskChange(title="Prices"), by=by)
    kept = Task.objects.get()
    assert (kept.name, kept.title, kept.input) == ("prices", "Prices", '{"a": 1}')
    assert saved_options.load_options(kept.options) == saved
    assert editing.get_detail(kept, "actorStandby") == {"isEnabled": True}
    editing.update(task, TaskChange(options=None, standby=None, input=None), by=by)
    kept = Task.objects.get()
    assert (kept.options, editing.get_detail(kept, "actorStandby"), kept.input) == ("{}", None, "")


def test_a_task_without_a_name_is_given_one(ada, actor, make_resource, by):
    first, second = (editing.create(ada.pk, actor, by=by) for _ in range(2))
    assert first.name != second.name
    assert first.name.startswith("finder-")
    long = make_resource(Kind.ACTOR, ada, name="a" * 49 + "-" + "b" * 10)
    assert editing.create(ada.pk, long, by=by).name.startswith("a" * 49 + "-")


def test_renaming_and_deleting_are_in_the_trail(ada, actor, task, make_resource, by):
    run = make_resource(Kind.RUN, ada, actor_id=actor.pk, task_id=task.pk)
    editing.update(task, TaskChange(name="costs"), by=by)
    assert editing.delete(task, by=by) is True
    assert actions_of(ada) == ["resource.renamed", "resource.deleted"]
    assert Run.objects.get(pk=run.pk).task_id is None
