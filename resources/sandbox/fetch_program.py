"""Run as a program where the source of a build is elsewhere: fetches it, from a Git repository or as an archive.

What it reads is a stranger's, so it runs isolated and limited like what a build installs, and imports nothing but the
standard library. The variable SOURCE holds a JSON object `{"kind": "git" | "archive", "url", "username", "password",
"revision", "directory", "most": {"downloaded", "unpacked", "files"}}`; of an archive, "revision" is the SHA-256 that it
must have, and "" any.

In the directory where it is started it leaves the files in `files`, and in `revision` what tells them from those of
another day: the commit, or the SHA-256. Where it fails, `problem` says why.
"""

import base64
import hashlib
import http.client
import json
import os
import re
import stat
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import quote, urlsplit

_FILES, _REVISION, _PROBLEM = Path("files"), Path("revision"), Path("problem")
_MAX_NAME = 500  # as of a source file; deeper ones cannot be copied either
_MAX_TARGET_BYTES = 4096
_CHUNK_BYTES = 1 << 18
_SILENT_SECONDS = 60
_KEPT = "%/:=&?~#+!$,;'@()*[]"
# A name that is no branch and no tag may be a commit, in full or abbreviated.
_COMMIT = re.compile(r"[0-9a-f]{4,64}\Z")
_NOT_SHALLOW = b"does not support shallow"
_NOT_OFFERED = (b"find remote ref", b"not our ref", b"unadvertised object", b"Unable to find")
_EVERYTHING = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
# The name and password are given to the host of the URL and to none that it leads on to, and are no arguments, which
# every user of a machine may read.
_GIVE = r"""!f() { printf 'username=%s\npassword=%s\n' "$SOURCE_USERNAME" "$SOURCE_PASSWORD"; }; f"""

# NotImplementedError is what the zipfile module raises for a way of compressing that it does not know.
_BadArchive = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError)
_BadAnswer = (OSError, http.client.HTTPException, ValueError)


class Problem(Exception):
    """It cannot be fetched; the message says why."""


class Amount:
    """How much there is so far of what is limited: files with the directories that they need, and bytes."""

    def __init__(self, most_files: int, most_bytes: int) -> None:
        self._most_files, self._most_bytes = most_files, most_bytes
        self._paths: set[PurePosixPath] = set()
        self._bytes = 0

    def add_path(self, name: str) -> None:
        """Count a file or directory by its path."""
        if len(name) > _MAX_NAME:
            raise Problem(f'The source has a path of more than {_MAX_NAME} characters: "{name[:100]}...".')
        path = PurePosixPath(name)
        self._paths.update((path, *path.parents))
        if len(self._paths) > self._most_files:
            raise Problem(f"The source is too large: it has more than {self._most_files:,} files and directories.")

    def add_bytes(self, size: int) -> None:
        """Count what is in a file."""
        self._bytes += size
        if self._bytes > self._most_bytes:
            raise Problem(f"The source is too large: its files have more than {self._most_bytes:,} bytes together.")


# A Git repository


def _fetch_repository(config: dict[str, Any]) -> str:
    """Have the files of one commit in `files`, and return the commit."""
    _FILES.mkdir()
    git = _Git(config)
    git.do("init", "--quiet", "--template=")
    commit = _fetched_commit(git, config["url"], config["revision"])
    tree = git.ask("rev-parse", "--quiet", "--verify", f"{commit}:{config['directory']}")
    if tree is None or git.ask("cat-file", "-t", tree) != "tree":
        raise Problem(f'There is no directory "{config["directory"]}" in the repository.')
    _check_tree(git, tree, Amount(config["most"]["files"], config["most"]["unpacked"]))
    # Reading a tree runs no hook and knows no submodule, and a directory's own tree holds nothing of what is around it.
    git.do("read-tree", tree)
    git.do("checkout-index", "--all", "--quiet")
    return commit


class _Git:
    """The program, with the repository in a directory that is not among the files, and no settings but those here."""

    def __init__(self, config: dict[str, Any]) -> None:
        directory = Path.cwd()
        self._environment = {
            **os.environ,
            "HOME": str(directory),
            "GIT_DIR": str(directory / "git"),
            "GIT_WORK_TREE": str(_FILES.resolve()),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "http:https",
            "SOURCE_USERNAME": config["username"],
            "SOURCE_PASSWORD": config["password"],
        }
        settings = ["core.hooksPath=/dev/null", "http.lowSpeedLimit=1", f"http.lowSpeedTime={_SILENT_SECONDS}"]
        settings += ["credential.helper=", "gc.auto=0", "maintenance.auto=false"]
        if config["username"] or config["password"]:
            parts = urlsplit(config["url"])
            settings.append(f"credential.{parts.scheme}://{parts.netloc}.helper={_GIVE}")
        self._command = ["git", *(word for each in settings for word in ("-c", each))]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start it, and return the process with pipes for what it prints."""
        try:
            return subprocess.Popen(  # noqa: S603  # no shell, and no word of others that begins with a dash
                [*self._command, *arguments],
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except FileNotFoundError:
            raise Problem("The program git is not to be found where this server builds.") from None

    def run(self, *arguments: str) -> tuple[int, bytes, bytes]:
        """Run it to its end, and return its exit code and what it printed."""
        process = self.start(*arguments)
        printed, complaints = process.communicate()
        return process.returncode, printed, complaints

    def do(self, *arguments: str) -> None:
        """Run what has to succeed."""
        code, _, complaints = self.run(*arguments)
        if code:
            _refuse(complaints)

    def ask(self, *arguments: str) -> str | None:
        """Return what it answers, None where it has none."""
        code, printed, _ = self.run(*arguments)
        return None if code else printed.decode().strip()


def _fetched_commit(git: _Git, url: str, wanted: str) -> str:
    """Fetch a branch, tag or commit, the default branch for "", and return its commit."""
    complaints = _fetch(git, url, wanted or "HEAD")
    found = None if complaints else git.ask("rev-parse", "--verify", "FETCH_HEAD^{commit}")
    if complaints and _COMMIT.match(wanted) and any(each in complaints for each in _NOT_OFFERED):
        complaints = _fetch(git, url, *_EVERYTHING)
        found = None if complaints else git.ask("rev-parse", "--quiet", "--verify", f"{wanted}^{{commit}}")
    if complaints:
        _refuse(complaints)
    if found is None:
        raise Problem(f'There is no branch, tag or commit "{wanted or "HEAD"}" in the repository.')
    return found


def _fetch(git: _Git, url: str, *what: str) -> bytes:
    """Fetch something, without its history where the server can do that; return what Git complains of, b"" for nothing.

    All there is has to come with its history, in which something is looked for.
    """
    fetch = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules")
    for depth in (("--depth=1",), ()) if len(what) == 1 else ((),):
        code, _, complaints = git.run(*fetch, *depth, url, *what)
        if code == 0:
            return b""
        if _NOT_SHALLOW not in complaints:
            break
    return complaints or b"fatal: it ended without a word"


def _refuse(complaints: bytes) -> None:
    """Print all that Git complains of, and fail for the last and most telling of it."""
    sys.stderr.buffer.write(complaints.rstrip() + b"\n")
    lines = complaints.decode(errors="replace").splitlines()
    telling = [line for line in lines if line.startswith("fatal: ")] or [line for line in lines if line.strip()]
    raise Problem(f"Git failed: {telling[-1].removeprefix('fatal: ') if telling else 'it did not say why'}")


def _check_tree(git: _Git, tree: str, amount: Amount) -> None:
    """Hold what is in a tree to the limits before anything is written: a small repository may have no end of files."""
    with git.start("ls-tree", "-r", "-t", "-z", "--long", "--full-tree", tree) as process:
        try:
            for entry in _parts(process.stdout):
                about, _, name = entry.partition(b"\t")
                amount.add_path(os.fsdecode(name))
                size = about.split()[-1]
                amount.add_bytes(int(size) if size.isdigit() else 0)
        except Problem:
            process.kill()
            raise
        complaints = process.communicate()[1]
    if process.returncode:
        _refuse(complaints)


def _parts(printed: IO[bytes] | None) -> Iterator[bytes]:
    rest = b""
    while printed and (chunk := printed.read(_CHUNK_BYTES)):
        *parts, rest = (rest + chunk).split(b"\0")
        yield from parts


# An archive


def _fetch_archive(config: dict[str, Any]) -> str:
    """Have what is in an archive in `files`, and return the archive's SHA-256."""
    with tempfile.TemporaryFile(dir=".") as archive:
        digest = _download(config, archive)
        if config["revision"] not in ("", digest):
            raise Problem("The archive is another one by now than when this was built. Build it again.")
        archive.seek(0)
        unpacking = _Unpacking(Amount(config["most"]["files"], config["most"]["unpacked"]))
        try:
            _unpack(archive, unpacking)
            unpacking.finish()
        except _BadArchive as error:
            raise Problem(f"The archive cannot be unpacked: {error}") from error
    return digest


def _download(config: dict[str, Any], archive: IO[bytes]) -> str:
    request = urllib.request.Request(quote(config["url"], safe=_KEPT))  # noqa: S310  # see _opener
    request.add_header("User-Agent", "Latchkey")
    if config["username"] or config["password"]:
        credentials = base64.b64encode(f"{config['username']}:{config['password']}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {credentials}")
    most, digest, size = config["most"]["downloaded"], hashlib.sha256(), 0
    try:
        with _opener().open(request, timeout=_SILENT_SECONDS) as answer:
            while chunk := answer.read(_CHUNK_BYTES):
                size += len(chunk)
                if size > most:
                    raise Problem(f"The archive has more than {most:,} bytes.")
                digest.update(chunk)
                archive.write(chunk)
            if answer.length:
                raise Problem("The archive could not be downloaded: the server hung up in the midst of it.")
    except urllib.error.HTTPError as error:
        raise Problem(f"The archive could not be downloaded: the server answered {error.code}.") from error
    except urllib.error.URLError as error:
        raise Problem(f"The archive could not be downloaded: {error.reason}") from error
    except _BadAnswer as error:
        raise Problem(f"The archive could not be downloaded: {error}") from error
    return digest.hexdigest()


def _opener() -> urllib.request.OpenerDirector:
    """Return what opens URLs of HTTP and no others, wherever it is led to."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


class _Unpacking:
    """Files written one after the other, and links last: so no file can be written through a link."""

    def __init__(self, amount: Amount) -> None:
        if not hasattr(tarfile, "data_filter"):
            raise Problem("The Python of this server is too old to unpack archives safely; it needs 3.11.4 or newer.")
        self._amount = amount
        self._links: list[tarfile.TarInfo] = []
        _FILES.mkdir()

    def add(self, member: tarfile.TarInfo, content: Callable[[], IO[bytes] | None]) -> None:
        """Write a member, or keep it for the end where it is a link. What lies about where it is is an error."""
        if member.name.startswith("/") or ".." in _member_parts(member):
            raise Problem(f'The path "{member.name[:100]}" in the archive must be a relative one without .. in it.')
        self._amount.add_path(member.name)
        if member.issym():
            self._links.append(member)
            return
        path = _FILES / tarfile.data_filter(member, str(_FILES)).name
        if member.isdir():
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = content()  # of a hard link, that of the file that it is a link to
        if opened is None:
            raise Problem(f'"{member.name[:100]}" in the archive has no content.')
        with opened, path.open("xb") as file:
            while chunk := opened.read(_CHUNK_BYTES):
                self._amount.add_bytes(len(chunk))
                file.write(chunk)
        path.chmod(0o755 if member.mode & stat.S_IXUSR else 0o644)

    def finish(self) -> None:
        """Take what is in a directory that everything is in out of it, and make the links, which stay within."""
        root = _FILES
        tops = {path.name for path in _FILES.iterdir()} | {
            each for link in self._links for each in _member_parts(link)[:1]
        }
        if len(tops) == 1 and _FILES.joinpath(*tops).is_dir():
            root = _FILES.joinpath(*tops)
        for link in self._links:
            within = _member_parts(link)[1:] if root != _FILES else _member_parts(link)
            self._make_link(root, link.replace(name="/".join(within)))
        if root != _FILES:
            root.rename("root")
            _FILES.rmdir()
            Path("root").rename(_FILES)

    def _make_link(self, root: Path, link: tarfile.TarInfo) -> None:
        safe = tarfile.data_filter(link, str(root))
        path = Path(os.path.normpath(root.resolve() / safe.name))
        if path.parent.resolve() != path.parent:
            raise Problem(f'The link "{link.name[:100]}" in the archive is in a directory that is a link.')
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(safe.linkname)


def _member_parts(member: tarfile.TarInfo) -> tuple[str, ...]:
    return PurePosixPath(member.name).parts


def _unpack(archive: IO[bytes], unpacking: _Unpacking) -> None:
    magic = archive.read(4)
    archive.seek(0)
    if magic.startswith(b"PK"):
        _unpack_zip(archive, unpacking)
        return
    if not magic.startswith(b"\x1f\x8b"):
        raise Problem("The archive is neither a .zip nor a .tar.gz.")
    with tarfile.open(fileobj=archive, mode="r:gz") as tar:
        for member in tar:
            unpacking.add(member, partial(_open_member, tar, member))


def _open_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes] | None:
    try:
        return tar.extractfile(member)
    except (KeyError, RecursionError):
        raise Problem(f'"{member.name[:100]}" in the archive is a link to what is not in it.') from None


def _unpack_zip(archive: IO[bytes], unpacking: _Unpacking) -> None:
    with zipfile.ZipFile(archive) as packed:
        for each in packed.infolist():
            if each.flag_bits & 1:
                raise Problem("The archive is encrypted.")
            member = tarfile.TarInfo(each.filename)
            member.mode = each.external_attr >> 16
            if each.is_dir():
                member.type = tarfile.DIRTYPE
            elif stat.S_ISLNK(member.mode):
                member.type = tarfile.SYMTYPE
                with packed.open(each) as target:
                    member.linkname = os.fsdecode(target.read(_MAX_TARGET_BYTES))
            unpacking.add(member, partial(packed.open, each))


def main() -> None:
    """Fetch it, or say why not."""
    config = json.loads(os.environ.pop("SOURCE"))
    try:
        fetched = _fetch_repository(config) if config["kind"] == "git" else _fetch_archive(config)
    except Problem as problem:
        _PROBLEM.write_text(str(problem), encoding="utf-8", errors="replace")
        sys.exit(1)
    _REVISION.write_text(fetched, encoding="ascii")


if __name__ == "__main__":
    main()
