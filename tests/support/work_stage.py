"""What the tests of the worker start from: an Actor with source files, its build, and a run of it."""

from collections.abc import Callable, Mapping

import pytest

from accounts.models import Account
from resources.actors import editing, versions
from resources.actors.source_files import SourceFile
from resources.builds import ending
from resources.builds import starting as builds
from resources.models import Actor, Build, Run
from resources.runs import starting as runs
from resources.runs.options import RunOptions
from resources.sandbox import bubblewrap
from resources.worker import execute_build
from resources.worker.log_writer import Lines
from tests.conftest import principal_of
from tests.support.machine import needs

needs_bubblewrap = needs(not bubblewrap._why_not(), f"nothing is isolated here: {bubblewrap._why_not()}")


def actor_of(owner: Account, files: Mapping[str, str], name: str = "works") -> Actor:
    """Make an Actor with one version, of these files."""
    by = principal_of(owner)
    actor = editing.create(owner.pk, name, by=by)
    versions.add(actor, "0.1", source_files=[SourceFile(path, "TEXT", text) for path, text in files.items()], by=by)
    return actor


def built(actor: Actor) -> Build:
    """Build the only version of an Actor, and return the build as it is then."""
    build = builds.start(actor, "0.1", by=principal_of(actor.owner))
    execute_build.execute(build.pk)
    return Build.objects.get(pk=build.pk)


def started(owner: Account, files: Mapping[str, str], **options) -> Run:
    """Return a run that is READY, of a new Actor that has been built. `input` is the run's."""
    actor = actor_of(owner, files)
    assert built(actor).status == "SUCCEEDED"
    given = options.pop("input", None)
    chosen = RunOptions(**options)
    return runs.start(actor, by=principal_of(owner), options=chosen, input=given, content_type="application/json")


Start = Callable[..., Run]


def execute_and_abort(build: Build, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Build, and have it aborted as soon as what it runs prints "ready"."""
    feed = Lines.feed

    def listening(lines: Lines, printed: bytes) -> None:
        feed(lines, printed)
        if b"ready" in printed:
            ending.abort(Build.objects.get(pk=build.pk), by=principal_of(account))

    monkeypatch.setattr(Lines, "feed", listening)
    execute_build.execute(build.pk)
    build.refresh_from_db()
