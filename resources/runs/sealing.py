"""Encrypting the secret fields of inputs that runs were given before there was an encryption."""

from collections.abc import Iterator
from dataclasses import dataclass

from resources.models import Build, BuildContent, Record, Run
from resources.records import discarding, writing
from resources.runs import inputs
from resources.runs.restarting import kept_input
from resources.runs.starting import INPUT_KEY
from resources.secret_inputs.fields import Holder


class _Changed(Exception):
    """Another input was written in the meantime."""


@dataclass(slots=True)
class SealedRuns:
    """How many inputs of runs were encrypted, and how many left as they are because they cannot be read."""

    encrypted: int = 0
    left: int = 0
    looked_at: int = 0
    last: str = ""


def encrypt_inputs(after: str = "") -> Iterator[SealedRuns]:
    """Encrypt the inputs of runs whose build has secret fields; yield what was done so far, after each run.

    The runs come in the order of their IDs, from the one `after` on. Each input is replaced as a whole, and is left
    alone where it was changed at the same time; nothing is encrypted twice.
    """
    done = SealedRuns()
    secret = BuildContent.objects.filter(input_schema__contains="isSecret").values("build_id")
    # A run that has been turned into another Actor's names that one's build now; what it was is in its first input.
    wanted = Run.objects.filter(pk__gt=after).order_by("pk")
    turned = wanted.exclude(metamorphs=[])
    for run in (wanted.filter(build_id__in=secret) | turned).iterator():
        for key, build in _inputs(run):
            _seal(run, key, build, done)
        done.looked_at += 1
        done.last = run.pk
        yield done


def _inputs(run: Run) -> Iterator[tuple[str, Build]]:
    """Yield the key of each input of a run with the build that it was for, as far as that is there."""
    if not run.metamorphs:
        if run.build is not None:
            yield INPUT_KEY, run.build
        return
    first = Build.objects.filter(actor_id=run.actor_id, number__gt="").order_by("-created_at")
    keyed = [(INPUT_KEY, first.filter(content__input_schema__contains="isSecret").first())]
    keyed += [
        (str(each["inputKey"]), Build.objects.filter(pk=each.get("buildId")).first())
        for each in run.metamorphs
        if each.get("inputKey")
    ]
    yield from ((key, build) for key, build in keyed if build is not None)


def _seal(run: Run, key: str, build: Build, done: SealedRuns) -> None:
    record = kept_input(run, key)
    if record is None:
        return
    try:
        content = inputs.reencrypt_input(build, record, Holder(run.owner_id, build.actor_id or ""))
        if content is not None:
            _replace(record, content)
    except (inputs.InvalidInput, FileNotFoundError):
        done.left += 1
    except (_Changed, writing.StoreGone):
        return
    else:
        done.encrypted += content is not None


def _replace(record: Record, content: bytes) -> None:
    def expect(found: Record | None) -> None:
        if found is None or found.digest != record.digest:
            raise _Changed

    writing.write(record.store_id, record.key, [content], content_type=record.content_type, expect=expect)
    discarding.delete_at_once(record.file)  # it has in plain text what is encrypted now
