"""The way to a value within an item, as one text that no other way has, and the title that a column has of it.

Titles are for people: the names on the way, with slashes between them, cut at 200 characters. Other ways can have the
same, such as that of the field `a/b` and that of `b` within `a`. So columns go by paths, whose steps are divided by a
surrogate, which no text of JSON holds once it is stored, and what is cut off a long path has a digest in its place.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from hashlib import blake2b
from itertools import count

MAX_TITLE_LENGTH = 200
STEP, _DIGEST = "\udc80", "\udc81"
_DIGEST_BYTES = 16


def path_of_field(name: str) -> str:
    """Return the path of a field at the top of an item, which is its name unless that is long."""
    return name if len(name) <= MAX_TITLE_LENGTH else shorten(name)


def is_within(path: str, field: str) -> bool:
    """Tell whether a path leads to something within a field, or to what was flattened out of it."""
    return path.startswith((f"{path_of_field(field)}{STEP}", f"{field}."))


def titles(paths: Iterable[str], labels: Iterable[tuple[str, str]] = ()) -> list[str]:
    """Return the titles of columns; of those that would be called alike all but the first are numbered.

    Args:
        paths: the paths of the columns.
        labels: pairs of a field at the top of an item and its title, where it is called otherwise.
    """
    labelled = {path_of_field(name): label[:MAX_TITLE_LENGTH] for name, label in labels}
    plain = [labelled.get(path) or path.partition(_DIGEST)[0][:MAX_TITLE_LENGTH].replace(STEP, "/") for path in paths]
    taken, seen = set(plain), set[str]()
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))
    found = []
    for title in plain:
        is_free = title not in seen
        numbered = map(partial(_numbered, title), numbers[title])
        found.append(title if is_free else next(each for each in numbered if each not in taken))
        seen.add(title)
        taken.add(found[-1])
    return found


def _numbered(title: str, number: int) -> str:
    suffix = f" ({number})"
    return title[: MAX_TITLE_LENGTH - len(suffix)] + suffix


def shorten(path: str) -> str:
    """Return the beginning of a path with a digest of all of it. What was shortened before keeps its beginning."""
    beginning = path.partition(_DIGEST)[0][:MAX_TITLE_LENGTH]
    return f"{beginning}{_DIGEST}{blake2b(path.encode(errors='surrogatepass'), digest_size=_DIGEST_BYTES).hexdigest()}"
