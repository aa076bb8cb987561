"""What COPY and ADD of a Dockerfile put where, and so which path of the source a path of the image is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(slots=True)
class Copy:
    """A directory that was copied, or a file: then `target` and `source` are the directories that it is in.

    `target` is in the image, `source` in the source. `shown` is the instruction, as it is shown in a log.
    """

    target: PurePosixPath
    source: PurePosixPath
    is_directory: bool
    shown: str = ""


def copied_to(copies: Sequence[Copy], path: PurePosixPath) -> PurePosixPath | None:
    """Return what a path of the image is in the source, None where nothing was copied there."""
    for copy in reversed(copies):
        if path.is_relative_to(copy.target):
            return normalized(copy.source / path.relative_to(copy.target))
    return next((found for copy in copies if (found := above(copy, path)) is not None), None)


def lies_in_place(copy: Copy, workdir: PurePosixPath, directory: PurePosixPath) -> bool:
    """Tell whether what was copied is where the command finds it, when `workdir` is a `directory` of the source."""
    if copy.target.is_relative_to(workdir):
        return copy.source == normalized(directory / copy.target.relative_to(workdir))
    return workdir.is_relative_to(copy.target) and (
        normalized(copy.source / workdir.relative_to(copy.target)) == directory
    )


def above(copy: Copy, path: PurePosixPath) -> PurePosixPath | None:
    """Return what `path`, a directory above the target of a copy, is in the source; None where it is nothing there."""
    if not copy.target.is_relative_to(path):
        return None
    tail, parts = copy.target.relative_to(path).parts, copy.source.parts
    kept = len(parts) - len(tail)
    return PurePosixPath(*parts[:kept]) if kept >= 0 and parts[kept:] == tail else None


def normalized(path: PurePosixPath) -> PurePosixPath:
    """Return a path without .. in it; what leads out of the root or of the source stays at its top."""
    parts: list[str] = []
    for part in path.parts:
        if part != "..":
            parts.append(part)
        elif parts and parts[-1] != "/":
            parts.pop()
    return PurePosixPath(*parts)
