"""What the tests of the worker start from: an Actor with source files, its build, and a run of it."""

import base64
import io
import zipfile
from collections.abc import Callable, Mapping

import pytest

from accounts.models import Account
from resources.actors import editing, versions
from resources.actors.source_files import SourceFile
from resources.actors.versions import VersionChange
from resources.builds import ending
from resources.builds import starting as builds
from resources.models import Actor, Build, Run
from resources.runs import starting as runs
from resources.runs.options import RunOptions
from resources.sandbox import bubblewrap
from resources.worker import execute_build
from resources.worker.log_writer import Lines
from tests.support.machine import needs

needs_bubblewrap = needs(not bubblewrap.why_not(), f"nothing is isolated here: {bubblewrap.why_not()}")


def actor_of(owner: Account, files: Mapping[str, str], name: str = "works") -> Actor:
    """Make an Actor with one version, of these files."""
    by = owner.principal
    actor = editing.create(owner.pk, name, by=by)
    versions.add(
        actor,
        "0.1",
        VersionChange(source_files=[SourceFile(path, "TEXT", text) for path, text in files.items()]),
        by=by,
    )
    return actor


def built(actor: Actor) -> Build:
    """Build the only version of an Actor, and return the build as it is then."""
    build = builds.start(actor, "0.1", by=actor.owner.principal)
    execute_build.execute(build.pk)
    return Build.objects.get(pk=build.pk)


def started(owner: Account, files: Mapping[str, str], **options) -> Run:
    """Return a run that is READY, of a new Actor that has been built. `input` is the run's."""
    actor = actor_of(owner, files)
    assert built(actor).status == "SUCCEEDED"
    given = options.pop("input", None)
    chosen = RunOptions(**options)
    return runs.start(actor, by=owner.principal, options=chosen, input=given, content_type="application/json")


Start = Callable[..., Run]


def execute_and_abort(build: Build, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Build, and have it aborted as soon as what it runs prints "ready"."""
    feed = Lines.feed

    def listening(lines: Lines, printed: bytes) -> None:
        feed(lines, printed)
        if b"ready" in printed:
            ending.abort(Build.objects.get(pk=build.pk), by=account.principal)

    monkeypatch.setattr(Lines, "feed", listening)
    execute_build.execute(build.pk)
    build.refresh_from_db()


def wheel() -> str:
    """Return a wheel in base64, of a module `greeting` with a HELLO."""
    packed = io.BytesIO()
    info = "greeting-1.0.dist-info"
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("greeting.py", "HELLO = 'hello from a wheel'\n")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", f"greeting.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return base64.b64encode(packed.getvalue()).decode()
