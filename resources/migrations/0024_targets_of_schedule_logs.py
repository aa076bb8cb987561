"""Lines of schedules' logs keep which Actor or task they are about, and not what it is called.

A line from before names it in its message. Which one it is, its run tells, or an action of the schedule by this ID or
name. Where neither does, the line keeps the name apart (`old_target_name`), where it is shown to nobody.
"""

import re

import msgspec
from django.db import migrations, models

AT_ONCE = 500
TARGET = "{target}"
FORMS = (
    re.compile(r"(?P<before>Started the run (?P<run>\w+) of )the (?P<noun>Actor|task) (?P<name>.+)(?P<after>\.)", re.S),
    re.compile(
        r"(?P<before>Not started, because the previous run (?P<run>\w+) goes on: )"
        r"(?P<noun>Actor|task) (?P<name>.+)(?P<after>\.)",
        re.S,
    ),
    re.compile(r"(?P<before>)The (?P<noun>Actor|task) (?P<name>\S+)(?P<after> was not started: .*)", re.S),
)
KINDS = {"Actor": "actor", "task": "task"}
ARTICLES = ((TARGET, "The "), ("Not started", ""), ("", "the "))


def name_by_id(apps, schema_editor):
    lines = apps.get_model("resources", "ScheduleInvocation").objects
    last = 0
    while True:
        found = list(lines.filter(pk__gt=last, target_kind=None).order_by("pk")[:AT_ONCE])
        if not found:
            return
        last = found[-1].pk
        read = [(line, match) for line in found if (match := match_of(line.message))]
        targets = Targets(apps, read)
        for line, match in read:
            line.target_kind = KINDS[match["noun"]]
            line.target_id = targets.of(line, match)
            line.old_target_name = None if line.target_id else match["name"]
            line.message = f"{match['before']}{TARGET}{match['after']}"
        changed = [line for line, _ in read]
        lines.bulk_update(changed, ["message", "target_kind", "target_id", "old_target_name"], batch_size=50)


def name_by_name(apps, schema_editor):
    """Put the names of now back into the messages."""
    lines = apps.get_model("resources", "ScheduleInvocation").objects
    resources = apps.get_model("resources", "Resource").objects
    nouns = {kind: noun for noun, kind in KINDS.items()}
    last = 0
    while True:
        found = list(lines.filter(pk__gt=last).exclude(target_kind=None).order_by("pk")[:AT_ONCE])
        if not found:
            return
        last = found[-1].pk
        ids = {line.target_id for line in found if line.target_id}
        names = dict(resources.filter(pk__in=ids).values_list("pk", "name"))
        for line in found:
            name = line.old_target_name or names.get(line.target_id) or line.target_id
            article = next(words for start, words in ARTICLES if line.message.startswith(start))
            line.message = line.message.replace(TARGET, f"{article}{nouns[line.target_kind]} {name}", 1)
        lines.bulk_update(found, ["message"], batch_size=50)


def match_of(message):
    return next((match for form in FORMS if (match := form.fullmatch(message))), None)


class Targets:
    """What some lines are about: told by the runs that they name and by the actions of their schedules."""

    def __init__(self, apps, read):
        of_app = apps.get_model
        ids = {match["run"] for _, match in read if "run" in match.re.groupindex}
        self.runs = {run.pk: run for run in of_app("resources", "Run").objects.filter(pk__in=ids).only("actor", "task")}
        schedules = of_app("resources", "Schedule").objects.filter(pk__in={line.schedule_id for line, _ in read})
        self.actions = {pk: started_by(text) for pk, text in schedules.values_list("pk", "actions")}
        started = {id_ for each in self.actions.values() for _, id_ in each}
        rows = of_app("resources", "Resource").objects.filter(pk__in=started)
        self.names = dict(rows.values_list("pk", "name"))

    def of(self, line, match):
        kind = KINDS[match["noun"]]
        run = self.runs.get(match.groupdict().get("run"))
        if run is not None:
            return run.task_id if kind == "task" else run.actor_id
        actions = self.actions.get(line.schedule_id, ())
        fits = {id_ for of_kind, id_ in actions if of_kind == kind and match["name"] in (id_, self.names.get(id_))}
        return fits.pop() if len(fits) == 1 else None


def started_by(text):
    found = msgspec.json.decode(text, type=list[dict[str, msgspec.Raw]])
    return {
        (kind, msgspec.json.decode(action[field]))
        for action in found
        for kind, field in (("actor", "actorId"), ("task", "actorTaskId"))
        if field in action
    }


class Migration(migrations.Migration):
    dependencies = [("resources", "0023_permission_levels_that_exist")]

    operations = [
        migrations.AddField(
            "scheduleinvocation", "target_kind", models.CharField(blank=True, max_length=20, null=True)
        ),
        migrations.AddField("scheduleinvocation", "target_id", models.CharField(blank=True, max_length=100, null=True)),
        migrations.AddField("scheduleinvocation", "old_target_name", models.TextField(blank=True, null=True)),
        migrations.RunPython(name_by_id, name_by_name),
    ]
